import { createRoute, z } from '@hono/zod-openapi'
import { Connection, Outcome, pageOf } from '#contract/schemas.ts'
import { type Port, Refused } from '../port.ts'
import { type ApiApp, answers, demand, IdParam, PageQuery, targetOf } from '../route.ts'
import { SearchQuery, searchOf } from '../search-query.ts'

const liveRoute = createRoute({
  method: 'get',
  path: '/api/v1/connections',
  summary: 'The live connections',
  request: { query: z.object({ q: SearchQuery }) },
  responses: answers(z.array(Connection), 'Every connection that is open now, or those that a search finds'),
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
  q: SearchQuery,
})

const historyRoute = createRoute({
  method: 'get',
  path: '/api/v1/flows',
  summary: 'Connections of the past, newest first',
  description:
    'A search is bounded in time: a page may be short or empty and still have a `next` to go on with. Without `q` ' +
    '`peer` and `since` narrow the list; with it, say them there.',
  request: { query: FlowQuery },
  responses: answers(pageOf(Connection, 'Flow'), 'One page'),
})

export function addConnectionRoutes(app: ApiApp, port: Port): void {
  app.openapi(liveRoute, (context) => {
    const search = searchOf(context.req.valid('query').q, port.views.now())
    return context.json(search ? port.views.connections(search) : port.liveConnections(), 200)
  })
  app.openapi(closeRoute, async (context) => {
    const actor = demand(context, 'operator')
    return context.json(await port.closes.closeConnection(context.req.valid('param').id, actor), 200)
  })
  app.openapi(historyRoute, async (context) => {
    const { limit, cursor, peer, since, q } = context.req.valid('query')
    const request = { limit, ...(cursor !== undefined && { cursor }) }
    const search = searchOf(q, port.views.now())
    if (search) {
      if (peer !== undefined || since !== undefined) throw BOTH_WAYS
      return context.json(await port.views.flows({ ...request, search }), 200)
    }
    const page = await port.flows({
      ...request,
      ...(peer !== undefined && { peer: targetOf(peer) }),
      ...(since !== undefined && { since }),
    })
    return context.json(page, 200)
  })
}

const BOTH_WAYS = new Refused(
  400,
  'Say peer and since within the search, not beside it.',
  'For example q=peer:203.0.113.9 since:2h',
)
