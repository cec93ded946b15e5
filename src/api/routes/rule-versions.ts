import { createRoute, z } from '@hono/zod-openapi'
import { RuleVersions, RuleVersionText } from '#contract/rule-versions.ts'
import { RulesCheck } from '#contract/rules.ts'
import { type Port, Refused } from '../port.ts'
import { type ApiApp, answers, demand } from '../route.ts'
import type { RuleVersionsPort } from '../rule-versions-port.ts'

const NumberParam = z.object({ number: z.coerce.number().int().min(1) })

const listRoute = createRoute({
  method: 'get',
  path: '/api/v1/rules/versions',
  summary: 'Every version of the rules that came in force, newest first',
  responses: answers(RuleVersions, 'Who put it in force, when and why'),
})

const readRoute = createRoute({
  method: 'get',
  path: '/api/v1/rules/versions/{number}',
  summary: 'The rules file as it was',
  request: { params: NumberParam },
  responses: answers(RuleVersionText, 'One version, with its text'),
})

const restoreRoute = createRoute({
  method: 'post',
  path: '/api/v1/rules/versions/{number}/restore',
  summary: 'Make an old version the draft; nothing is enforced',
  request: { params: NumberParam },
  responses: answers(RulesCheck, 'What is wrong with it today, and what it would cut'),
})

export function addRuleVersionRoutes(app: ApiApp, port: Port): void {
  const versions = (): RuleVersionsPort => {
    const found = port.rules?.beside?.versions
    if (found) return found
    throw new Refused(503, 'Rules are not enforced here.', 'Start Gatehouse as root: sudo npm start')
  }
  app.openapi(listRoute, (context) => context.json(versions().list(), 200))
  app.openapi(readRoute, (context) => context.json(versions().read(context.req.valid('param').number), 200))
  app.openapi(restoreRoute, (context) => {
    demand(context, 'admin')
    return context.json(versions().restore(context.req.valid('param').number), 200)
  })
}
