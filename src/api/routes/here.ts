import { createRoute } from '@hono/zod-openapi'
import { Here } from '#contract/here.ts'
import type { Port } from '../port.ts'
import { type ApiApp, answers } from '../route.ts'

const hereRoute = createRoute({
  method: 'get',
  path: '/api/v1/here',
  summary: 'Where this machine stands, as far as that is known',
  responses: answers(Here, 'Its country, and how that is known'),
})

export function addHereRoute(app: ApiApp, port: Port): void {
  app.openapi(hereRoute, (context) => context.json(port.here?.() ?? { because: 'unknown' as const }, 200))
}
