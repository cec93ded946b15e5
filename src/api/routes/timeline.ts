import { createRoute, z } from '@hono/zod-openapi'
import { Timeline } from '#contract/timeline.ts'
import { type Port, Refused } from '../port.ts'
import { type ApiApp, answers } from '../route.ts'

const DAY_MS = 86_400_000
const SHORTEST_MS = 1_000
const LONGEST_MS = 400 * DAY_MS
const time = z.coerce.number().optional().openapi({ description: 'Milliseconds since the epoch' })

const timelineRoute = createRoute({
  method: 'get',
  path: '/api/v1/timeline',
  summary: 'What happened when: counts by lane, and the newest events',
  description: 'Without since: the last day. Long and busy periods are counted by whole hours.',
  request: { query: z.object({ since: time, until: time }) },
  responses: answers(Timeline, 'Lanes of the same buckets'),
})

export function addTimelineRoute(app: ApiApp, { timeline }: Port): void {
  app.openapi(timelineRoute, async (context) => {
    if (!timeline) throw new Refused(503, 'Nothing is kept here.', 'Start Gatehouse: gatehouse run')
    const { since, until = timeline.now() } = context.req.valid('query')
    const from = since ?? until - DAY_MS
    if (!(until - from >= SHORTEST_MS && until - from <= LONGEST_MS)) {
      throw new Refused(400, 'The period is empty or too long.', 'Ask for a second up to 400 days.')
    }
    return context.json(await timeline.of(from, until), 200)
  })
}
