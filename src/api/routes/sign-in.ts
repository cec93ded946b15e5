import { createRoute } from '@hono/zod-openapi'
import { LoginLink, LoginLinkQuery, PasswordRequest } from '#contract/session.ts'
import type { Port } from '../port.ts'
import { type ApiApp, answers, demandPolicy, jsonBody, PROBLEMS } from '../route.ts'

const linkRoute = createRoute({
  method: 'post',
  path: '/api/v1/login-link',
  summary: 'A fresh one-time link to the page',
  request: { query: LoginLinkQuery },
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
    const actor = demandPolicy(context, port)
    context.header('cache-control', 'no-store')
    return context.json({ link: await port.loginLink(actor, context.req.valid('query').account) }, 200)
  })
  app.openapi(passwordRoute, async (context) => {
    const actor = demandPolicy(context, port)
    const { password, account } = context.req.valid('json')
    await port.setPassword(password, account, actor)
    return context.body(null, 204)
  })
}
