import { createRoute } from '@hono/zod-openapi'
import { RuleEditing, RuleReading, RulesRead, RulesStanding, RulesUse } from '#contract/rule-drafting.ts'
import { type Port, Refused } from '../port.ts'
import { type ApiApp, answers, demand, jsonBody } from '../route.ts'
import type { RuleDrafting } from '../rule-drafting-port.ts'

const standingRoute = createRoute({
  method: 'get',
  path: '/api/v1/rules/standing',
  summary: 'Whether a draft or a change waits; the event `rules` tells when this changes',
  responses: answers(RulesStanding, 'How it stands with the rules'),
})

const readRoute = createRoute({
  method: 'post',
  path: '/api/v1/rules/read',
  summary: 'A text of rules, rule by rule; nothing is changed',
  request: jsonBody(RuleReading),
  responses: answers(RulesRead, 'Its rules, and what is wrong with it'),
})

const editRoute = createRoute({
  method: 'post',
  path: '/api/v1/rules/edit',
  summary: 'Edit the draft: add, replace, remove, move or switch rules. Nothing is enforced',
  request: jsonBody(RuleEditing),
  responses: answers(RulesRead, 'The draft, and what is wrong with it'),
})

const useRoute = createRoute({
  method: 'get',
  path: '/api/v1/rules/use',
  summary: 'When each rule last matched',
  responses: answers(RulesUse, 'By id, since Gatehouse looks'),
})

const NOT_ENFORCED: RulesStanding = { isEnforced: false, revision: 0, hasDraft: false }

export function addRuleDraftingRoutes(app: ApiApp, port: Port): void {
  const drafting = (): RuleDrafting => {
    if (port.ruleDrafting) return port.ruleDrafting
    throw new Refused(503, 'Rules are not enforced here.', 'Start Gatehouse as root: sudo npm start')
  }
  app.openapi(standingRoute, (context) => context.json(port.ruleDrafting?.standing() ?? NOT_ENFORCED, 200))
  app.openapi(readRoute, (context) => context.json(drafting().read(context.req.valid('json').text), 200))
  app.openapi(editRoute, (context) => {
    demand(context, 'admin')
    return context.json(drafting().edit(context.req.valid('json')), 200)
  })
  app.openapi(useRoute, (context) => context.json(drafting().use(), 200))
}
