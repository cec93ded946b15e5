import { createRoute, z } from '@hono/zod-openapi'
import {
  AbuseReport,
  AbuseReported,
  EgressEntry,
  Feed,
  FeedChange,
  FeedDecision,
  FeedOutcome,
  Lookup,
  LookupRequest,
} from '#contract/intel.ts'
import { Reputation } from '#contract/reputation.ts'
import { pageOf } from '#contract/schemas.ts'
import type { Port } from '../port.ts'
import { type ApiApp, answers, demand, jsonBody, PageQuery } from '../route.ts'

const FeedParam = z.object({ feed: z.string().max(48).openapi({ example: 'feodo' }) })
const LookupQuery = z.object({
  value: z
    .string()
    .min(1)
    .max(4_096)
    .openapi({ description: 'Address, range, domain, URL, hash of a file, JA3 or JA4' }),
})

const feedsRoute = createRoute({
  method: 'get',
  path: '/api/v1/feeds',
  summary: 'Every threat list that could be on, and how it is doing',
  responses: answers(
    z.array(Feed),
    'All lists; those of the catalogue are off until somebody switches them on',
  ),
})

const feedRoute = createRoute({
  method: 'get',
  path: '/api/v1/feeds/{feed}',
  summary: 'One threat list',
  request: { params: FeedParam },
  responses: answers(Feed, 'The list'),
})

const changeRoute = createRoute({
  method: 'put',
  path: '/api/v1/feeds/{feed}',
  summary: 'Switch a list on or off, or choose what it does',
  request: { params: FeedParam, ...jsonBody(FeedChange) },
  responses: answers(FeedOutcome, 'What was done'),
})

const updateRoute = createRoute({
  method: 'post',
  path: '/api/v1/feeds/{feed}/update',
  summary: 'Fetch a list now',
  request: { params: FeedParam },
  responses: answers(FeedOutcome, 'What came of it'),
})

const decideRoute = createRoute({
  method: 'post',
  path: '/api/v1/feeds/{feed}/held',
  summary: 'Take the version that waits for you, or throw it away',
  request: { params: FeedParam, ...jsonBody(FeedDecision) },
  responses: answers(FeedOutcome, 'What was done'),
})

const lookupRoute = createRoute({
  method: 'get',
  path: '/api/v1/lookup',
  summary: 'Which lists hold this, since when and why. Asks nobody outside',
  request: { query: LookupQuery },
  responses: answers(Lookup, 'What is known'),
})

const askRoute = createRoute({
  method: 'post',
  path: '/api/v1/lookup',
  summary: 'Ask the services that are switched on about it. This leaves the machine',
  request: jsonBody(LookupRequest),
  responses: answers(Lookup, 'What is known now'),
})

const reputationRoute = createRoute({
  method: 'get',
  path: '/api/v1/reputation',
  summary: 'How good or bad something is known to be, and why. Asks nobody outside',
  request: {
    query: z.object({
      of: z
        .string()
        .min(1)
        .max(4_096)
        .openapi({ description: 'Address, domain, program (path, name or process id) or hash of a file' }),
    }),
  },
  responses: answers(Reputation, 'From 0 to 100, with its reasons'),
})

const abuseRoute = createRoute({
  method: 'post',
  path: '/api/v1/abuse-reports',
  summary: 'Report an address to AbuseIPDB. This leaves the machine, and everybody reads it there',
  request: jsonBody(AbuseReport),
  responses: answers(AbuseReported, 'It was reported'),
})

const egressRoute = createRoute({
  method: 'get',
  path: '/api/v1/egress',
  summary: 'What Gatehouse sent to others: when, to whom, what and why; newest first',
  request: { query: PageQuery },
  responses: answers(pageOf(EgressEntry, 'Egress'), 'One page'),
})

export function addIntelRoutes(app: ApiApp, { intel }: Port): void {
  app.openapi(feedsRoute, (context) => context.json(intel.feeds(), 200))
  app.openapi(feedRoute, (context) => context.json(intel.feed(context.req.valid('param').feed), 200))
  app.openapi(changeRoute, async (context) => {
    // A list that is on may turn addresses away.
    const actor = demand(context, 'admin')
    const { feed } = context.req.valid('param')
    return context.json(await intel.changeFeed(feed, context.req.valid('json'), actor), 200)
  })
  app.openapi(updateRoute, async (context) => {
    demand(context, 'operator')
    return context.json(await intel.updateFeed(context.req.valid('param').feed), 200)
  })
  app.openapi(decideRoute, async (context) => {
    const actor = demand(context, 'admin')
    const { feed } = context.req.valid('param')
    return context.json(await intel.decideFeed(feed, context.req.valid('json').accept, actor), 200)
  })
  app.openapi(lookupRoute, (context) => context.json(intel.lookup(context.req.valid('query').value), 200))
  app.openapi(askRoute, async (context) => {
    demand(context, 'operator')
    return context.json(await intel.ask(context.req.valid('json').value), 200)
  })
  app.openapi(reputationRoute, async (context) =>
    context.json(await intel.reputation(context.req.valid('query').of), 200),
  )
  app.openapi(abuseRoute, async (context) => {
    const actor = demand(context, 'operator')
    return context.json(await intel.reportAbuse(context.req.valid('json'), actor), 200)
  })
  app.openapi(egressRoute, async (context) => {
    const { limit, cursor } = context.req.valid('query')
    return context.json(await intel.egress({ limit, ...(cursor !== undefined && { cursor }) }), 200)
  })
}
