import { createRoute } from '@hono/zod-openapi'
import {
  ExplainRequest,
  RuleAdd,
  RuleExplanation,
  RuleRemove,
  RuleSimulation,
  RulesApply,
  RulesCheck,
  RulesHold,
  RulesOutcome,
  RulesState,
  RulesText,
  SimulateRequest,
} from '#contract/rules.ts'
import { type Port, Refused } from '../port.ts'
import { type ApiApp, answers, demand, demandPolicy, jsonBody } from '../route.ts'
import type { Rules } from '../rules-port.ts'

const stateRoute = createRoute({
  method: 'get',
  path: '/api/v1/rules',
  summary: 'The rules in force, with what each of them counted',
  responses: answers(RulesState, 'Rules, draft, and what waits to be confirmed'),
})

const checkRoute = createRoute({
  method: 'post',
  path: '/api/v1/rules/check',
  summary: 'Judge a text of rules; nothing is changed',
  request: jsonBody(RulesText),
  responses: answers(RulesCheck, 'What is wrong with it, and what it would cut'),
})

const draftRoute = createRoute({
  method: 'put',
  path: '/api/v1/rules/draft',
  summary: 'Keep a text of rules as the draft',
  request: jsonBody(RulesText),
  responses: answers(RulesCheck, 'What is wrong with it, and what it would cut'),
})

const applyRoute = createRoute({
  method: 'post',
  path: '/api/v1/rules/apply',
  summary: 'Enforce a text, the draft, or the file as it is now',
  request: jsonBody(RulesApply),
  responses: answers(RulesOutcome, 'What was done'),
})

const addRoute = createRoute({
  method: 'post',
  path: '/api/v1/rules/add',
  summary: 'Add one rule in its short form',
  request: jsonBody(RuleAdd),
  responses: answers(RulesOutcome, 'What was done'),
})

const removeRoute = createRoute({
  method: 'post',
  path: '/api/v1/rules/remove',
  summary: 'Remove one rule by id or number',
  request: jsonBody(RuleRemove),
  responses: answers(RulesOutcome, 'What was done'),
})

const holdRoute = createRoute({
  method: 'post',
  path: '/api/v1/rules/hold',
  summary: 'Open everything, or shut everything but the sessions of those who are logged in, for a time',
  request: jsonBody(RulesHold),
  responses: answers(RulesOutcome, 'What was done'),
})

const confirmRoute = createRoute({
  method: 'post',
  path: '/api/v1/rules/confirm',
  summary: 'Keep the rules that wait to be confirmed',
  responses: answers(RulesOutcome, 'What was done'),
})

const rollbackRoute = createRoute({
  method: 'post',
  path: '/api/v1/rules/rollback',
  summary: 'Go back to the rules before now',
  responses: answers(RulesOutcome, 'What was done'),
})

const simulateRoute = createRoute({
  method: 'post',
  path: '/api/v1/rules/simulate',
  summary: 'What a draft would have decided otherwise about recorded flows; nothing is changed',
  request: jsonBody(SimulateRequest),
  responses: answers(RuleSimulation, 'The differences, by program and host'),
})

const explainRoute = createRoute({
  method: 'post',
  path: '/api/v1/rules/explain',
  summary: 'What the rules do with a packet, step by step; nothing is changed',
  request: jsonBody(ExplainRequest),
  responses: answers(RuleExplanation, 'The way through blocks and rules'),
})

export function addRuleRoutes(app: ApiApp, port: Port): void {
  const rules = (): Rules => {
    if (port.rules) return port.rules
    throw new Refused(503, 'Rules are not enforced here.', 'Start Gatehouse as root: sudo npm start')
  }
  app.openapi(stateRoute, (context) => context.json(rules().state(), 200))
  app.openapi(checkRoute, (context) => context.json(rules().check(context.req.valid('json').text), 200))
  app.openapi(draftRoute, (context) => {
    demand(context, 'admin')
    return context.json(rules().draft(context.req.valid('json').text), 200)
  })
  app.openapi(applyRoute, async (context) => {
    const { name } = demandPolicy(context, port)
    return context.json(await rules().apply(context.req.valid('json'), name), 200)
  })
  app.openapi(addRoute, async (context) => {
    const { name } = demandPolicy(context, port)
    return context.json(await rules().add(context.req.valid('json'), name), 200)
  })
  app.openapi(removeRoute, async (context) => {
    const { name } = demandPolicy(context, port)
    return context.json(await rules().remove(context.req.valid('json'), name), 200)
  })
  app.openapi(simulateRoute, async (context) =>
    context.json(await rules().simulate(context.req.valid('json')), 200),
  )
  app.openapi(holdRoute, async (context) => {
    const hold = context.req.valid('json')
    // To shut all but the sessions is for whoever sees an attack; to open all is policy.
    const { name } = hold.kind === 'pause' ? demandPolicy(context, port) : demand(context, 'operator')
    return context.json(await rules().hold(hold, name), 200)
  })
  app.openapi(confirmRoute, (context) => context.json(rules().confirm(demand(context, 'operator').name), 200))
  app.openapi(rollbackRoute, (context) =>
    context.json(rules().rollback(demand(context, 'operator').name), 200),
  )
  app.openapi(explainRoute, (context) => context.json(rules().explain(context.req.valid('json')), 200))
}
