import { createRoute, z } from '@hono/zod-openapi'
import { Outcome } from '#contract/schemas.ts'
import { RecordingFile, ShieldStatus } from '#contract/shield.ts'
import { type Port, Refused } from '../port.ts'
import { type ApiApp, answers, demand } from '../route.ts'

const statusRoute = createRoute({
  method: 'get',
  path: '/api/v1/shield',
  summary: 'Ports behind a SYN proxy, challenged addresses, closed ports',
  responses: answers(ShieldStatus, 'As it is now'),
})

const openRoute = createRoute({
  method: 'delete',
  path: '/api/v1/shield/closed/{port}',
  summary: 'Open a port that a playbook closed',
  request: { params: z.object({ port: z.coerce.number().int().min(1).max(65_535) }) },
  responses: answers(Outcome, 'What was done'),
})

const recordingsRoute = createRoute({
  method: 'get',
  path: '/api/v1/recordings',
  summary: 'Packets that playbooks kept, as pcapng files',
  responses: answers(z.array(RecordingFile), 'Newest first'),
})

export function addShieldRoutes(app: ApiApp, port: Port): void {
  app.openapi(statusRoute, (context) =>
    context.json(port.shield?.status() ?? { guarded: [], challenged: [], closed: [] }, 200),
  )
  app.openapi(openRoute, (context) => {
    const actor = demand(context, 'operator')
    if (!port.shield) throw new Refused(503, 'Nothing is enforced.', 'Start without --dry-run.')
    return context.json(port.shield.open(context.req.valid('param').port, actor.name), 200)
  })
  app.openapi(recordingsRoute, (context) => context.json([...(port.shield?.recordings() ?? [])], 200))
}
