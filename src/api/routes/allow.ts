import { createRoute, z } from '@hono/zod-openapi'
import { AllowEntry, AllowRequest, Outcome } from '#contract/schemas.ts'
import type { Target } from '#model/address.ts'
import { type Port, Refused } from '../port.ts'
import { type ApiApp, answers, DryRunQuery, demand, jsonBody, TargetParam, targetOf } from '../route.ts'

const listRoute = createRoute({
  method: 'get',
  path: '/api/v1/allow',
  summary: 'Addresses that may never be blocked, and why',
  responses: answers(z.array(AllowEntry), 'Every entry'),
})

const allowRoute = createRoute({
  method: 'post',
  path: '/api/v1/allow',
  summary: 'Never block this address or range',
  request: jsonBody(AllowRequest),
  responses: answers(Outcome, 'What was done'),
})

const disallowRoute = createRoute({
  method: 'delete',
  path: '/api/v1/allow/{target}',
  summary: 'Take an address or range off the allow list',
  request: { params: TargetParam, query: DryRunQuery },
  responses: answers(Outcome, 'What was done'),
})

export function addAllowRoutes(app: ApiApp, port: Port): void {
  app.openapi(listRoute, (context) => context.json(port.allowList(), 200))
  app.openapi(allowRoute, async (context) => {
    const actor = demand(context, 'operator')
    const request = context.req.valid('json')
    return context.json(await port.allow({ ...request, target: targetOf(request.target) }, actor), 200)
  })
  app.openapi(disallowRoute, async (context) => {
    const actor = demand(context, 'operator')
    const target = targetOf(context.req.valid('param').target)
    const isDryRun = context.req.valid('query').dryRun === 'true'
    if (isDryRun) return context.json({ sentence: wouldDisallow(port, target), closedConnections: 0 }, 200)
    return context.json(await port.disallow(target, actor), 200)
  })
}

/** The sentence of a dry run; throws `Refused` as the real one would. */
function wouldDisallow(port: Port, target: Target): string {
  const entries = port.allowList().filter((entry) => entry.target === target)
  const [first] = entries
  if (!first)
    throw new Refused(404, `${target} is not on the allow list.`, '`gatehouse allow list` shows it.')
  if (entries.some((entry) => entry.source === 'person')) return `Would take ${target} off the allow list.`
  throw new Refused(
    409,
    `${target} stays on the allow list: ${first.note}.`,
    first.source === 'config'
      ? 'Take it out of the config file.'
      : 'It protects you from locking yourself out.',
  )
}
