import { createRoute, z } from '@hono/zod-openapi'
import { Alert, Outcome, pageOf } from '#contract/schemas.ts'
import type { Port } from '../port.ts'
import { type ApiApp, answers, demand, IdParam, PageQuery } from '../route.ts'

const listRoute = createRoute({
  method: 'get',
  path: '/api/v1/alerts',
  summary: 'Alerts, newest first',
  request: { query: PageQuery },
  responses: answers(pageOf(Alert, 'Alert'), 'One page'),
})

const ArchiveQuery = z.object({
  archived: z.enum(['true', 'false']).default('true').openapi({ description: 'false takes it back' }),
})

const archiveRoute = createRoute({
  method: 'post',
  path: '/api/v1/alerts/{id}/archive',
  summary: 'Put an alert away, or take it back',
  request: { params: IdParam, query: ArchiveQuery },
  responses: answers(Alert, 'The alert as it is now'),
})

const acceptRoute = createRoute({
  method: 'post',
  path: '/api/v1/alerts/{id}/accept',
  summary: 'Make the block that an alert suggests',
  request: { params: IdParam },
  responses: answers(Outcome, 'What was done'),
})

export function addAlertRoutes(app: ApiApp, port: Port): void {
  app.openapi(listRoute, async (context) => {
    const { limit, cursor } = context.req.valid('query')
    return context.json(await port.alerts({ limit, ...(cursor !== undefined && { cursor }) }), 200)
  })
  app.openapi(archiveRoute, async (context) => {
    const actor = demand(context, 'operator')
    const archived = context.req.valid('query').archived === 'true'
    return context.json(await port.archiveAlert(context.req.valid('param').id, archived, actor), 200)
  })
  app.openapi(acceptRoute, async (context) => {
    const actor = demand(context, 'operator')
    return context.json(await port.response.acceptSuggestion(context.req.valid('param').id, actor), 200)
  })
}
