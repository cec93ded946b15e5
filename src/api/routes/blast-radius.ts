import { createRoute, z } from '@hono/zod-openapi'
import { BlastRadius } from '#contract/schemas.ts'
import type { Port } from '../port.ts'
import { type ApiApp, answers, targetOf } from '../route.ts'

const radiusRoute = createRoute({
  method: 'get',
  path: '/api/v1/blast-radius',
  summary: 'What a block would cut off now',
  request: {
    query: z.object({
      target: z.string().min(1).max(64).openapi({ description: 'Address or range', example: '203.0.113.9' }),
    }),
  },
  responses: answers(BlastRadius, 'Programs, names, users and live connections behind it'),
})

export function addBlastRadiusRoute(app: ApiApp, port: Port): void {
  app.openapi(radiusRoute, (context) =>
    context.json(port.response.blastRadius(targetOf(context.req.valid('query').target)), 200),
  )
}
