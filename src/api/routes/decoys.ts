import { createRoute } from '@hono/zod-openapi'
import { DecoyStatus } from '#contract/decoys.ts'
import type { Port } from '../port.ts'
import { type ApiApp, answers } from '../route.ts'

const statusRoute = createRoute({
  method: 'get',
  path: '/api/v1/decoys',
  summary: 'Decoys, who touched them, and what they recorded',
  responses: answers(DecoyStatus, 'As of the last second'),
})

const NONE: DecoyStatus = { ports: [], givenWay: [], addresses: [], answered: 0, unanswered: 0, peers: [] }

export function addDecoyRoutes(app: ApiApp, port: Port): void {
  app.openapi(statusRoute, (context) => {
    const status = port.decoys?.() ?? NONE
    const [ports, givenWay] = [[...status.ports], [...status.givenWay]]
    return context.json(
      { ...status, ports, givenWay, addresses: [...status.addresses], peers: [...status.peers] },
      200,
    )
  })
}
