import { createRoute, z } from '@hono/zod-openapi'
import { RuleLog } from '#contract/rule-log.ts'
import { type Port, Refused } from '../port.ts'
import { type ApiApp, answers } from '../route.ts'

const logRoute = createRoute({
  method: 'get',
  path: '/api/v1/rules/log',
  summary: 'The packets that were turned away or recorded of late',
  request: {
    query: z.object({
      limit: z.coerce.number().int().min(1).max(1000).default(100),
      after: z.coerce.number().int().nonnegative().default(0),
    }),
  },
  responses: answers(RuleLog, 'The newest last'),
})

export function addRuleLogRoute(app: ApiApp, port: Port): void {
  app.openapi(logRoute, (context) => {
    const log = port.rules?.beside?.log
    if (!log) {
      throw new Refused(
        503,
        'Nothing is written about packets here.',
        'Start Gatehouse as root, with report.firewallLog or report.eve on.',
      )
    }
    const { limit, after } = context.req.valid('query')
    return context.json(log.latest(limit, after), 200)
  })
}
