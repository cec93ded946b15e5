import { createRoute, z } from '@hono/zod-openapi'
import { EXPORT_FORMATS, RulesExport, RulesImport, RulesImported } from '#contract/rule-exchange.ts'
import { type Port, Refused } from '../port.ts'
import { type ApiApp, answers, demand, jsonBody } from '../route.ts'
import type { RuleExchange } from '../rule-exchange-port.ts'

const importRoute = createRoute({
  method: 'post',
  path: '/api/v1/rules/import',
  summary: 'Make a draft of the rules of ufw, nft, iptables-save, or of a plain list; nothing is enforced',
  request: jsonBody(RulesImport),
  responses: answers(RulesImported, 'The draft, and what had no equal'),
})

const exportRoute = createRoute({
  method: 'get',
  path: '/api/v1/rules/export',
  summary: 'The rules in force as YAML with their comments, as JSON, or as nft reads them',
  request: { query: z.object({ format: z.enum(EXPORT_FORMATS).default('yaml') }) },
  responses: answers(RulesExport, 'The text'),
})

export function addRuleExchangeRoutes(app: ApiApp, port: Port): void {
  const exchange = (): RuleExchange => {
    const found = port.rules?.beside?.exchange
    if (found) return found
    throw new Refused(503, 'Rules are not enforced here.', 'Start Gatehouse as root: sudo npm start')
  }
  app.openapi(importRoute, (context) => {
    demand(context, 'operator')
    return context.json(exchange().import(context.req.valid('json')), 200)
  })
  app.openapi(exportRoute, (context) =>
    context.json(exchange().export(context.req.valid('query').format), 200),
  )
}
