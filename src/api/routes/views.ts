import { createRoute, z } from '@hono/zod-openapi'
import { Outcome } from '#contract/schemas.ts'
import {
  CloseProgramRequest,
  FirstSeen,
  Graph,
  HostView,
  ProgramView,
  SummaryKind,
  SummaryList,
} from '#contract/views.ts'
import type { Port } from '../port.ts'
import { type ApiApp, answers, DryRunQuery, demand, jsonBody, TargetParam, targetOf } from '../route.ts'
import { SearchQuery, searchOf } from '../search-query.ts'

const time = z.coerce.number().optional().openapi({ description: 'Milliseconds since the epoch' })
const limit = z.coerce.number().int().min(1).max(500).default(100)

const summariesRoute = createRoute({
  method: 'get',
  path: '/api/v1/summaries',
  summary: 'Sums of connections by program, host, country, port, user or container',
  description:
    'Without since and until: of what is open now. Over more than two hours, without q: whole hours.',
  request: { query: z.object({ by: SummaryKind, since: time, until: time, q: SearchQuery, limit }) },
  responses: answers(SummaryList, 'Most bytes first'),
})

const firstSeenRoute = createRoute({
  method: 'get',
  path: '/api/v1/first-seen',
  summary: 'When programs, and programs with hosts and countries, were first seen',
  request: { query: z.object({ program: z.string().max(4096).optional(), since: time, limit }) },
  responses: answers(z.array(FirstSeen), 'Newest first'),
})

const programRoute = createRoute({
  method: 'get',
  path: '/api/v1/program',
  summary: 'Everything about one program',
  request: {
    query: z.object({
      program: z.string().min(1).max(4096).openapi({ description: 'Name, path or process id' }),
    }),
  },
  responses: answers(ProgramView, 'Who runs it, since when, with whom it talks, what touches it'),
})

const hostRoute = createRoute({
  method: 'get',
  path: '/api/v1/hosts/{target}',
  summary: 'Everything about one host',
  request: { params: TargetParam },
  responses: answers(HostView, 'Who it is, since when, which programs talk to it, what touches it'),
})

const graphRoute = createRoute({
  method: 'get',
  path: '/api/v1/graph',
  summary: 'Connections between connections: who talks to whom, and what stands out',
  request: { query: z.object({ since: time, q: SearchQuery }) },
  responses: answers(Graph, 'Nodes, edges with their reasons, and patterns'),
})

const closeProgramRoute = createRoute({
  method: 'post',
  path: '/api/v1/programs/close',
  summary: 'Close all live connections of a program',
  request: jsonBody(CloseProgramRequest),
  responses: answers(Outcome, 'What was done'),
})

const closeHostRoute = createRoute({
  method: 'post',
  path: '/api/v1/hosts/{target}/close',
  summary: 'Close all live connections with a host or a range',
  request: { params: TargetParam, query: DryRunQuery },
  responses: answers(Outcome, 'What was done'),
})

export function addViewRoutes(app: ApiApp, { views, closes, intel }: Port): void {
  app.openapi(summariesRoute, async (context) => {
    const { q, since, until, ...question } = context.req.valid('query')
    const search = searchOf(q, views.now())
    const period = { ...(since !== undefined && { since }), ...(until !== undefined && { until }) }
    return context.json(await views.summaries({ ...question, ...period, ...(search && { search }) }), 200)
  })
  app.openapi(firstSeenRoute, async (context) => {
    const { program, since, limit: most } = context.req.valid('query')
    const about = { ...(program !== undefined && { program }), ...(since !== undefined && { since }) }
    return context.json([...(await views.firstSeen({ ...about, limit: most }))], 200)
  })
  app.openapi(programRoute, async (context) => {
    const { program } = context.req.valid('query')
    const view = await views.program(program)
    const reputation = await intel.reputation(view.paths[0] ?? program)
    return context.json({ ...view, reputation }, 200)
  })
  app.openapi(hostRoute, async (context) => {
    const target = targetOf(context.req.valid('param').target)
    const view = await views.host(target)
    const { listings, allowedBecause, blockedBecause } = intel.lookup(target)
    const found = {
      listings,
      ...(allowedBecause !== undefined && { allowedBecause }),
      ...(blockedBecause !== undefined && { blockedBecause }),
    }
    return context.json({ ...view, ...found, reputation: await intel.reputation(target) }, 200)
  })
  app.openapi(graphRoute, async (context) => {
    const { q, since } = context.req.valid('query')
    const search = searchOf(q, views.now())
    const graph = await views.graph({ ...(since !== undefined && { since }), ...(search && { search }) })
    return context.json(graph, 200)
  })
  app.openapi(closeProgramRoute, async (context) => {
    const actor = demand(context, 'operator')
    const { program, dryRun } = context.req.valid('json')
    return context.json(await closes.closeProgram(program, dryRun === true, actor), 200)
  })
  app.openapi(closeHostRoute, async (context) => {
    const actor = demand(context, 'operator')
    const target = targetOf(context.req.valid('param').target)
    const isDryRun = context.req.valid('query').dryRun === 'true'
    return context.json(await closes.closeHost(target, isDryRun, actor), 200)
  })
}
