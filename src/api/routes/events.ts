import { createRoute, z } from '@hono/zod-openapi'
import { LiveEvent } from '#contract/schemas.ts'
import type { EventLog } from '../event-log.ts'
import { openEventStream, type StreamLimits } from '../event-stream.ts'
import { Refused } from '../port.ts'
import type { ApiApp } from '../route.ts'

/** Pages, shells and collectors that may follow at once. */
const STREAM_COUNT_LIMIT = 64

const eventsRoute = createRoute({
  method: 'get',
  path: '/api/v1/events',
  summary: 'What happens, as it happens (server-sent events)',
  description:
    'The event name is `kind`, data is a LiveEvent. Send Last-Event-ID to catch up; `reset` says that the gap was too long.',
  request: { headers: z.object({ 'last-event-id': z.string().max(20).optional() }) },
  responses: {
    200: { content: { 'text/event-stream': { schema: LiveEvent } }, description: 'The stream, without end' },
  },
})

/** Answers a function that ends every stream. */
export function addEventRoutes(app: ApiApp, log: EventLog, limits: StreamLimits): () => void {
  const open = new Set<{ close(): void }>()
  const follow = (lastEventId: string | undefined): Response => {
    if (open.size >= STREAM_COUNT_LIMIT) {
      throw new Refused(503, `${STREAM_COUNT_LIMIT} pages already follow.`, 'Close a tab that is not in use.')
    }
    const seen = lastEventId === undefined ? undefined : seenId(lastEventId)
    const stream = openEventStream(log, seen, limits, () => open.delete(stream))
    open.add(stream)
    return new Response(stream.body, {
      headers: {
        'content-type': 'text/event-stream',
        'cache-control': 'no-store',
        'x-accel-buffering': 'no',
      },
    })
  }
  app.openAPIRegistry.registerPath(eventsRoute)
  app.get(eventsRoute.path, (context) => follow(context.req.header('last-event-id')))
  return () => {
    for (const stream of [...open]) stream.close()
  }
}

/** What is no id of ours is an id that we forgot: the client reads everything again. */
const seenId = (text: string): number => (/^\d{1,16}$/.test(text) ? Number(text) : -1)
