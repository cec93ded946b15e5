import { createRoute } from '@hono/zod-openapi'
import { DecoyChange, DecoyOutcome, DecoyStatus } from '#contract/decoys.ts'
import { type Port, Refused } from '../port.ts'
import { type ApiApp, answers, demand, demandPolicy, jsonBody } from '../route.ts'

const statusRoute = createRoute({
  method: 'get',
  path: '/api/v1/decoys',
  summary: 'Decoys, who touched them, and what they recorded',
  responses: answers(DecoyStatus, 'As of the last second'),
})

const changeRoute = createRoute({
  method: 'patch',
  path: '/api/v1/decoys',
  summary: 'Change what is a decoy, at once; a dry run says what that would mean',
  request: jsonBody(DecoyChange),
  responses: answers(DecoyOutcome, 'What was done, and what it means'),
})

const NONE: DecoyStatus = {
  ...{ isEnabled: false, mode: 'act', ports: [], givenWay: [], addresses: [], banners: {} },
  ...{ answered: 0, unanswered: 0, peers: [] },
}

export function addDecoyRoutes(app: ApiApp, port: Port): void {
  app.openapi(statusRoute, (context) => context.json(port.decoys?.status() ?? NONE, 200))
  app.openapi(changeRoute, async (context) => {
    const request = context.req.valid('json')
    // To ask what a change would mean changes nothing.
    const actor = request.dryRun ? demand(context, 'admin') : demandPolicy(context, port)
    if (!port.decoys)
      throw new Refused(503, 'There are no decoys to change here.', 'Start Gatehouse: gatehouse run')
    return context.json(await port.decoys.change(request, actor), 200)
  })
}
