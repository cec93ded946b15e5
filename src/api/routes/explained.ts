import { createRoute } from '@hono/zod-openapi'
import { Explained, ExplainedRequest } from '#contract/explained.ts'
import { type Port, Refused } from '../port.ts'
import { type ApiApp, answers, jsonBody } from '../route.ts'

const explainedRoute = createRoute({
  method: 'post',
  path: '/api/v1/explain',
  summary:
    'Why an alert, a flow or a decision came out as it did, and what would turn it round; nothing is changed',
  request: jsonBody(ExplainedRequest),
  responses: answers(Explained, 'The way through lists, blocks and rules'),
})

export function addExplainedRoute(app: ApiApp, port: Port): void {
  app.openapi(explainedRoute, async (context) => {
    const explain = port.rules?.beside?.explain
    if (explain) return context.json(await explain(context.req.valid('json')), 200)
    throw new Refused(503, 'Rules are not enforced here.', 'Start Gatehouse as root: sudo npm start')
  })
}
