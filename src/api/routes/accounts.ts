import { createRoute, z } from '@hono/zod-openapi'
import {
  Account,
  AccountChange,
  ApiToken,
  CodeProof,
  CodeSetup,
  IssuedToken,
  NewAccount,
  NewToken,
  OpenSession,
  RecoveryCodes,
} from '#contract/accounts.ts'
import { Outcome } from '#contract/schemas.ts'
import type { AccountsPort } from '../accounts-port.ts'
import type { Actor } from '../actor.ts'
import { type Port, Refused } from '../port.ts'
import { type ApiApp, answers, demand, demandPolicy, IdParam, jsonBody } from '../route.ts'

const NameParam = z.object({ name: z.string().max(64) })

const route = <const Method extends 'get' | 'post' | 'patch' | 'delete', Path extends string>(
  method: Method,
  path: Path,
  summary: string,
) => ({ method, path: `/api/v1/${path}` as const, summary })

const listRoute = createRoute({
  ...route('get', 'accounts', 'Who may sign in on the page'),
  responses: answers(z.array(Account), 'All of them'),
})
const addRoute = createRoute({
  ...route('post', 'accounts', 'Let somebody sign in'),
  request: jsonBody(NewAccount),
  responses: answers(Outcome, 'What was done'),
})
const changeRoute = createRoute({
  ...route('patch', 'accounts/{name}', 'Give an account another role or password'),
  request: { params: NameParam, ...jsonBody(AccountChange) },
  responses: answers(Outcome, 'What was done'),
})
const removeRoute = createRoute({
  ...route('delete', 'accounts/{name}', 'Take an account away'),
  request: { params: NameParam },
  responses: answers(Outcome, 'What was done'),
})
const setUpRoute = createRoute({
  ...route('post', 'accounts/{name}/code', 'Begin to ask for codes of an authenticator app'),
  request: { params: NameParam },
  responses: answers(CodeSetup, 'For the app; nothing changes until a code was sent back'),
})
const confirmRoute = createRoute({
  ...route('post', 'accounts/{name}/code/confirm', 'Ask for codes from now on: the first one proves the app'),
  request: { params: NameParam, ...jsonBody(CodeProof) },
  responses: answers(RecoveryCodes, 'Each works once in the place of a code; shown this once'),
})
const removeCodeRoute = createRoute({
  ...route('delete', 'accounts/{name}/code', 'Ask for codes no more'),
  request: { params: NameParam },
  responses: answers(Outcome, 'What was done'),
})
const tokensRoute = createRoute({
  ...route('get', 'tokens', 'Tokens of programs'),
  responses: answers(z.array(ApiToken), 'Without their text, which nobody knows'),
})
const issueRoute = createRoute({
  ...route('post', 'tokens', 'Let a program ask with a token'),
  request: jsonBody(NewToken),
  responses: answers(IssuedToken, 'The token; shown this once'),
})
const revokeRoute = createRoute({
  ...route('delete', 'tokens/{id}', 'Let a token work no more'),
  request: { params: IdParam },
  responses: answers(Outcome, 'What was done'),
})
const sessionsRoute = createRoute({
  ...route('get', 'sessions', 'Who is signed in on the page'),
  responses: answers(z.array(OpenSession), 'Oldest first; of others only for an admin'),
})
const endRoute = createRoute({
  ...route('delete', 'sessions/{id}', 'Sign somebody out'),
  request: { params: z.object({ id: z.string().max(32) }) },
  responses: answers(Outcome, 'What was done'),
})

/** Who is no admin has these for the account that it is signed in with, and no other. */
export function addAccountRoutes(app: ApiApp, port: Port): void {
  const accounts = (): AccountsPort => {
    if (port.accounts) return port.accounts
    throw new Refused(503, 'There are no accounts here.', 'Start Gatehouse: gatehouse run')
  }
  const isOwn = (actor: Actor, name: string): boolean => actor.role === 'admin' || actor.name === name
  const demandOwn = (actor: Actor, name: string): void => {
    if (isOwn(actor, name)) return
    throw new Refused(403, `${actor.name} may not touch the account ${name}.`, 'Ask an admin.')
  }

  app.openapi(listRoute, (context) => {
    const { actor } = context.env
    return context.json(
      accounts()
        .list()
        .filter(({ name }) => isOwn(actor, name)),
      200,
    )
  })
  app.openapi(addRoute, async (context) => {
    const actor = demandPolicy(context, port, 'admin')
    return context.json(await accounts().add(context.req.valid('json'), actor), 200)
  })
  app.openapi(changeRoute, async (context) => {
    const change = context.req.valid('json')
    const { name } = context.req.valid('param')
    const actor = demandPolicy(context, port, change.role === undefined ? 'viewer' : 'admin')
    demandOwn(actor, name)
    return context.json(await accounts().change(name, change, actor), 200)
  })
  app.openapi(removeRoute, async (context) => {
    const actor = demandPolicy(context, port, 'admin')
    return context.json(await accounts().remove(context.req.valid('param').name, actor), 200)
  })
  app.openapi(setUpRoute, (context) => {
    const { name } = context.req.valid('param')
    demandOwn(demandPolicy(context, port, 'viewer'), name)
    context.header('cache-control', 'no-store')
    return context.json(accounts().setUpCode(name), 200)
  })
  app.openapi(confirmRoute, async (context) => {
    const { name } = context.req.valid('param')
    const actor = demandPolicy(context, port, 'viewer')
    demandOwn(actor, name)
    context.header('cache-control', 'no-store')
    return context.json(await accounts().confirmCode(name, context.req.valid('json').code, actor), 200)
  })
  app.openapi(removeCodeRoute, async (context) => {
    const { name } = context.req.valid('param')
    const actor = demandPolicy(context, port, 'viewer')
    demandOwn(actor, name)
    return context.json(await accounts().removeCode(name, actor), 200)
  })
  addTokenRoutes(app, port, accounts)
  app.openapi(sessionsRoute, async (context) => {
    const { actor } = context.env
    const sessions = await accounts().sessions()
    return context.json(
      sessions.filter(({ name }) => isOwn(actor, name)),
      200,
    )
  })
  app.openapi(endRoute, async (context) => {
    const actor = demand(context, 'viewer')
    const { id } = context.req.valid('param')
    const session = (await accounts().sessions()).find((one) => one.id === id)
    if (!session || !isOwn(actor, session.name)) {
      throw new Refused(404, 'This session is over.', 'List them: gatehouse sessions')
    }
    return context.json(await accounts().endSession(id, actor), 200)
  })
}

function addTokenRoutes(app: ApiApp, port: Port, accounts: () => AccountsPort): void {
  app.openapi(tokensRoute, (context) => {
    demand(context, 'admin')
    return context.json([...accounts().tokens()], 200)
  })
  app.openapi(issueRoute, async (context) => {
    const actor = demandPolicy(context, port, 'admin')
    context.header('cache-control', 'no-store')
    return context.json(await accounts().issueToken(context.req.valid('json'), actor), 200)
  })
  app.openapi(revokeRoute, async (context) => {
    const actor = demandPolicy(context, port, 'admin')
    return context.json(await accounts().revokeToken(context.req.valid('param').id, actor), 200)
  })
}
