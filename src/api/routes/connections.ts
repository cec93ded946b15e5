import { createRoute, z } from '@hono/zod-openapi'
import { Connection, Outcome, pageOf } from '#contract/schemas.ts'
import type { Port } from '../port.ts'
import { type ApiApp, answers, demand, IdParam, PageQuery, targetOf } from '../route.ts'

const liveRoute = createRoute({
  method: 'get',
  path: '/api/v1/connections',
  summary: 'The live connections',
  responses: answers(z.array(Connection), 'Every connection that is open now'),
})

const closeRoute = createRoute({
  method: 'post',
  path: '/api/v1/connections/{id}/close',
  summary: 'Close one live connection',
  request: { params: IdParam },
  responses: answers(Outcome, 'What was done'),
})

const FlowQuery = PageQuery.extend({
  peer: z.string().max(64).optional().openapi({ description: 'Only flows with this other end' }),
  since: z.coerce.number().optional().openapi({ description: 'Milliseconds since the epoch' }),
})

const historyRoute = createRoute({
  method: 'get',
  path: '/api/v1/flows',
  summary: 'Connections of the past, newest first',
  request: { query: FlowQuery },
  responses: answers(pageOf(Connection, 'Flow'), 'One page'),
})

export function addConnectionRoutes(app: ApiApp, port: Port): void {
  app.openapi(liveRoute, (context) => context.json(port.liveConnections(), 200))
  app.openapi(closeRoute, async (context) => {
    const actor = demand(context, 'operator')
    return context.json(await port.closeConnection(context.req.valid('param').id, actor), 200)
  })
  app.openapi(historyRoute, async (context) => {
    const { limit, cursor, peer, since } = context.req.valid('query')
    const page = await port.flows({
      limit,
      ...(cursor !== undefined && { cursor }),
      ...(peer !== undefined && { peer: targetOf(peer) }),
      ...(since !== undefined && { since }),
    })
    return context.json(page, 200)
  })
}
