import { createRoute, z } from '@hono/zod-openapi'
import { Outcome } from '#contract/schemas.ts'
import { WatchedProgram, WatchRequest } from '#contract/watchdog.ts'
import { type Port, Refused } from '../port.ts'
import { type ApiApp, answers, DryRunQuery, demand, jsonBody } from '../route.ts'
import type { Watchdog } from '../watchdog-port.ts'

const listRoute = createRoute({
  method: 'get',
  path: '/api/v1/watchdog',
  summary: 'Programs that are kept off the network, and what that did',
  responses: answers(z.array(WatchedProgram), 'Newest first'),
})

const addRoute = createRoute({
  method: 'post',
  path: '/api/v1/watchdog',
  summary: 'Close all that a program has open, and let it open nothing more',
  request: jsonBody(WatchRequest),
  responses: answers(Outcome, 'What was done'),
})

const removeRoute = createRoute({
  method: 'delete',
  path: '/api/v1/watchdog',
  summary: 'Let a program connect again',
  request: { query: DryRunQuery.extend({ program: z.string().min(1).max(4096) }) },
  responses: answers(Outcome, 'What was done'),
})

export function addWatchdogRoutes(app: ApiApp, port: Port): void {
  app.openapi(listRoute, (context) => context.json(port.watchdog?.list() ?? [], 200))
  app.openapi(addRoute, async (context) => {
    const actor = demand(context, 'operator')
    return context.json(await watchdogOf(port).add(context.req.valid('json'), actor.name), 200)
  })
  app.openapi(removeRoute, async (context) => {
    const actor = demand(context, 'operator')
    const { program, dryRun } = context.req.valid('query')
    return context.json(await watchdogOf(port).remove(program, dryRun === 'true', actor.name), 200)
  })
}

function watchdogOf({ watchdog }: Port): Watchdog {
  if (watchdog) return watchdog
  throw new Refused(
    503,
    'Programs are not kept off the network: Gatehouse was started with --dry-run.',
    'Start without --dry-run.',
  )
}
