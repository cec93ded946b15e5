import { createRoute } from '@hono/zod-openapi'
import { LoginLink, PasswordRequest } from '#contract/session.ts'
import type { Port } from '../port.ts'
import { type ApiApp, answers, demand, jsonBody, PROBLEMS } from '../route.ts'

const linkRoute = createRoute({
  method: 'post',
  path: '/api/v1/login-link',
  summary: 'A fresh one-time link to the page',
  responses: answers(LoginLink, 'Works once'),
})

const passwordRoute = createRoute({
  method: 'put',
  path: '/api/v1/password',
  summary: 'Set the password of the page',
  request: jsonBody(PasswordRequest),
  responses: { 204: { description: 'The new password works at once' }, ...PROBLEMS },
})

export function addSignInRoutes(app: ApiApp, port: Port): void {
  app.openapi(linkRoute, async (context) => {
    const actor = demand(context, 'admin')
    context.header('cache-control', 'no-store')
    return context.json({ link: await port.loginLink(actor) }, 200)
  })
  app.openapi(passwordRoute, async (context) => {
    demand(context, 'admin')
    await port.setPassword(context.req.valid('json').password)
    return context.body(null, 204)
  })
}
