import { createRoute, z } from '@hono/zod-openapi'
import { Decision, Outcome, pageOf } from '#contract/schemas.ts'
import { Verification } from '#contract/verification.ts'
import type { Port } from '../port.ts'
import { type ApiApp, answers, demand, IdParam, PageQuery } from '../route.ts'

const listRoute = createRoute({
  method: 'get',
  path: '/api/v1/decisions',
  summary: 'What was decided, by whom and why, newest first',
  request: { query: PageQuery },
  responses: answers(pageOf(Decision, 'Decision'), 'One page'),
})

const undoRoute = createRoute({
  method: 'post',
  path: '/api/v1/decisions/{id}/undo',
  summary: 'Take one decision back',
  request: { params: IdParam },
  responses: answers(Outcome, 'What was done'),
})

const verifyRoute = createRoute({
  method: 'get',
  path: '/api/v1/decisions/verify',
  summary: 'Walk the hash chain of the log of decisions',
  request: {
    query: z.object({
      head: z
        .string()
        .regex(/^[\da-f]{64}$/i, 'A head is 64 hexadecimal digits, as "gatehouse verify" prints it.')
        .optional(),
    }),
  },
  responses: answers(Verification, 'How far it holds'),
})

export function addDecisionRoutes(app: ApiApp, port: Port): void {
  app.openapi(listRoute, async (context) => {
    const { limit, cursor } = context.req.valid('query')
    return context.json(await port.decisions({ limit, ...(cursor !== undefined && { cursor }) }), 200)
  })
  app.openapi(verifyRoute, async (context) =>
    context.json(await port.verify(context.req.valid('query').head), 200),
  )
  app.openapi(undoRoute, async (context) => {
    const actor = demand(context, 'operator')
    return context.json(await port.undo(context.req.valid('param').id, actor), 200)
  })
}
