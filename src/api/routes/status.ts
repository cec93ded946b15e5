import { createRoute, z } from '@hono/zod-openapi'
import { DoctorCheck, Status } from '#contract/schemas.ts'
import type { Port } from '../port.ts'
import { type ApiApp, answers } from '../route.ts'

const statusRoute = createRoute({
  method: 'get',
  path: '/api/v1/status',
  summary: 'How Gatehouse is doing, in one sentence and in numbers',
  responses: answers(Status, 'The state now'),
})

const doctorRoute = createRoute({
  method: 'get',
  path: '/api/v1/doctor',
  summary: 'Check everything that Gatehouse needs, with a remedy for what is wrong',
  responses: answers(z.array(DoctorCheck), 'One entry per check'),
})

const metricsRoute = createRoute({
  method: 'get',
  path: '/api/v1/metrics',
  summary: 'Counters and gauges as Prometheus text; also at /metrics',
  responses: { 200: { content: { 'text/plain': { schema: z.string() } }, description: 'Prometheus text' } },
})

export function addStatusRoutes(app: ApiApp, port: Port): void {
  const prometheus = async (): Promise<Response> =>
    new Response(await port.metrics(), {
      headers: { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' },
    })
  app.openapi(statusRoute, (context) => context.json(port.status(), 200))
  app.openapi(doctorRoute, async (context) => context.json(await port.doctor(), 200))
  app.openAPIRegistry.registerPath(metricsRoute)
  app.get(metricsRoute.path, prometheus)
  app.get('/metrics', prometheus)
}
