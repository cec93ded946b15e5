import { createRoute, z } from '@hono/zod-openapi'
import { DetectorState } from '#contract/detectors.ts'
import type { Port } from '../port.ts'
import { type ApiApp, answers } from '../route.ts'

const listRoute = createRoute({
  method: 'get',
  path: '/api/v1/detectors',
  summary: 'Every detector, how far it may go, and where each of its settings comes from',
  responses: answers(z.array(DetectorState), 'All detectors'),
})

export function addDetectorRoutes(app: ApiApp, port: Port): void {
  app.openapi(listRoute, (context) => context.json([...(port.detectors?.list() ?? [])], 200))
}
