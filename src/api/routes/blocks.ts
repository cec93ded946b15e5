import { createRoute, z } from '@hono/zod-openapi'
import { Block, BlockRequest, Outcome } from '#contract/schemas.ts'
import type { Port } from '../port.ts'
import { type ApiApp, answers, DryRunQuery, demand, jsonBody, TargetParam, targetOf } from '../route.ts'

const listRoute = createRoute({
  method: 'get',
  path: '/api/v1/blocks',
  summary: 'Blocks in force, with what the kernel turned away',
  responses: answers(z.array(Block), 'Every block'),
})

const blockRoute = createRoute({
  method: 'post',
  path: '/api/v1/blocks',
  summary: 'Block an address or a range',
  request: jsonBody(BlockRequest),
  responses: answers(Outcome, 'What was done'),
})

const unblockRoute = createRoute({
  method: 'delete',
  path: '/api/v1/blocks/{target}',
  summary: 'Take a block away',
  request: { params: TargetParam, query: DryRunQuery },
  responses: answers(Outcome, 'What was done'),
})

export function addBlockRoutes(app: ApiApp, port: Port): void {
  app.openapi(listRoute, (context) => context.json(port.blocks(), 200))
  app.openapi(blockRoute, async (context) => {
    const actor = demand(context, 'operator')
    const request = context.req.valid('json')
    return context.json(await port.block({ ...request, target: targetOf(request.target) }, actor), 200)
  })
  app.openapi(unblockRoute, async (context) => {
    const actor = demand(context, 'operator')
    const target = targetOf(context.req.valid('param').target)
    const isDryRun = context.req.valid('query').dryRun === 'true'
    return context.json(await port.unblock(target, isDryRun, actor), 200)
  })
}
