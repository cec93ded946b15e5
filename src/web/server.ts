import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { API_PREFIX } from '#contract/http.ts'
import { type ProblemText, secure, sendFailure, sendJson, sendProblem } from './answers.ts'
import { createSessionCookie, type SessionCookie } from './cookie.ts'
import { createForward, type Forward } from './forward.ts'
import { createLinks } from './links.ts'
import { createOrigins } from './origins.ts'
import type { BuiltPage } from './page.ts'
import { createPeople, type People } from './people.ts'
import { refusalOf, tokenOf, urlOf } from './request-check.ts'
import { createSessions, type Sessions } from './sessions.ts'
import { createSignIn, type SignInDoor, type SignInLine } from './sign-in.ts'
import type { WebMessage, WebReport, WebStart } from './spawn-contract.ts'

export interface WebParts {
  readonly start: WebStart
  /** The port that we listen on: `start.port`, or the one the kernel chose for 0. */
  readonly port: number
  readonly page: BuiltPage | undefined
  now(): number
  /** Somebody tried to sign in. */
  onSignIn?(line: SignInLine): void
  /** Answers to the core, and news for it. */
  report?(line: WebReport): void
  /** One answer, for the log: the path without its query, which may hold a token. */
  onAnswer?(line: { readonly method: string; readonly path: string; readonly status: number }): void
}

export interface WebServer {
  answer(request: IncomingMessage, response: ServerResponse): void
  /** News from the core, and what it asks. */
  hear(message: WebMessage): void
}

const CONNECTION_LIMIT = 512

/** A server with limits on all that a stranger chooses: time, size of headers, number of connections. */
export function createBoundedServer(): Server {
  const server = createServer({
    headersTimeout: 10_000,
    requestTimeout: 30_000,
    keepAliveTimeout: 15_000,
    maxHeaderSize: 16_384,
    requireHostHeader: true,
  })
  server.maxConnections = CONNECTION_LIMIT
  return server
}

/** What answers browsers: login, sessions and the page, and the API for who is signed in. */
export function createWebServer(parts: WebParts): WebServer {
  const { start, port, now } = parts
  const origins = createOrigins(start.host, port, start.origins)
  const cookie = createSessionCookie(port, origins.isSecure)
  const sessions = createSessions({
    kept: start.sessions,
    changed: (now) => parts.report?.({ kind: 'kept', sessions: [...now] }),
  })
  const links = createLinks()
  for (const link of start.links) links.add(link)
  const people = createPeople(start.people, (name, digest) => parts.report?.({ kind: 'spent', name, digest }))
  const onSignIn = (line: SignInLine): void => parts.onSignIn?.(line)
  const door = createSignIn({ sessions, links, cookie, now, people, onSignIn })
  const house: House = { ...parts, cookie, sessions, people, door, forward: createForward(start) }

  return {
    answer(request, response) {
      secure(response)
      response.on('finish', () => {
        const path = (request.url ?? '').split('?')[0] ?? ''
        parts.onAnswer?.({ method: request.method ?? '', path, status: response.statusCode })
      })
      const refusal = refusalOf(request, origins)
      if (refusal) sendFailure(request, response, refusal)
      else route(house, request, response)
    },
    hear(message) {
      if (message.kind === 'link') return links.add(message.link)
      if (message.kind === 'people') {
        const before = people.accounts
        people.replace(message.people)
        return sessions.accountsChanged(before, people.accounts)
      }
      if (message.kind === 'end') sessions.endById(message.id)
      return parts.report?.({ kind: 'sessions', number: message.number, sessions: sessions.list(now()) })
    },
  }
}

interface House extends WebParts {
  readonly cookie: SessionCookie
  readonly sessions: Sessions
  readonly forward: Forward
  readonly people: People
  readonly door: SignInDoor
}

function route(house: House, request: IncomingMessage, response: ServerResponse) {
  const url = urlOf(request)
  if (!url) return sendFailure(request, response, BAD_PATH)
  if (url.pathname.startsWith(`${API_PREFIX}/`)) return askCore(house, request, response)
  if (request.method === 'GET' || request.method === 'HEAD') return show(house, url, request, response)
  if (request.method === 'POST' && url.pathname === '/logout') return signOut(house, request, response)
  const entry = request.method === 'POST' ? ENTRIES[url.pathname] : undefined
  if (entry) return void house.door[entry](request, response).catch(() => response.destroy())
  return sendProblem(response, NOT_FOUND)
}

const ENTRIES: Readonly<Record<string, keyof SignInDoor>> = { '/login': 'signIn', '/proof': 'prove' }

function askCore(house: House, request: IncomingMessage, response: ServerResponse) {
  const token = tokenOf(request)
  if (token !== undefined) return askWithToken(house, token, request, response)
  const value = house.cookie.read(request)
  const session = house.sessions.find(value, house.now())
  if (value === undefined || !session) return sendProblem(response, signedOut(house))
  // A stream keeps its session in use, and ends when that does: signed out elsewhere, or its whole time is over.
  endWithSession(response, () => house.sessions.find(value, house.now()) !== undefined)
  return house.forward(request, response, session)
}

/** Programs come with a token: it says who they are, and how far they may go. */
function askWithToken(house: House, token: string, request: IncomingMessage, response: ServerResponse) {
  const bearer = house.people.bearerOf(token, house.now())
  if (!bearer) return sendProblem(response, WRONG_TOKEN)
  const { name, scope } = bearer
  if (scope !== 'metrics') return house.forward(request, response, { name: `token ${name}`, role: scope })
  const path = (request.url ?? '').split('?')[0]
  if (request.method !== 'GET' || path !== METRICS) return sendProblem(response, ONLY_METRICS)
  return house.forward(request, response, { name: `token ${name}`, role: 'viewer' })
}

const METRICS = `${API_PREFIX}/metrics`

function show(house: House, url: URL, request: IncomingMessage, response: ServerResponse) {
  if (url.pathname === '/session') {
    const session = house.sessions.find(house.cookie.read(request), house.now())
    return session ? sendJson(response, session) : sendProblem(response, signedOut(house))
  }
  if (!house.page) return sendFailure(request, response, NOT_BUILT)
  return house.page.send(url.pathname, request, response) || sendFailure(request, response, NOT_FOUND)
}

function signOut(house: House, request: IncomingMessage, response: ServerResponse): void {
  const value = house.cookie.read(request)
  if (value !== undefined) house.sessions.end(value)
  response.setHeader('set-cookie', house.cookie.line(request))
  response.writeHead(204).end()
}

const signedOut = (house: House): ProblemText => ({
  title: 'Sign in first',
  status: 401,
  hint: 'Get a link that works once: gatehouse login',
  signIn: { password: house.people.hasPassword, names: house.people.hasNames },
})

const SESSION_CHECK_MS = 10_000

function endWithSession(response: ServerResponse, isOpen: () => boolean): void {
  const check = setInterval(() => {
    if (!isOpen()) response.destroy()
  }, SESSION_CHECK_MS)
  check.unref()
  response.on('close', () => clearInterval(check))
}

const WRONG_TOKEN: ProblemText = {
  title: 'Sign in first',
  status: 401,
  detail: 'This token is not known: it was revoked, its time is over, or it was never one.',
  hint: 'Make one: gatehouse token add NAME --scope viewer',
}
const ONLY_METRICS: ProblemText = {
  title: 'Not allowed',
  status: 403,
  detail: `This token reads ${METRICS} and nothing else.`,
  hint: 'Make one that may do more: gatehouse token add NAME --scope viewer',
}
const NOT_BUILT: ProblemText = {
  title: 'The page is not built yet',
  status: 503,
  detail: 'The API and the command line work without it.',
  hint: 'Run npm run page in the checkout, then start Gatehouse again.',
}
const NOT_FOUND: ProblemText = { title: 'Not found', status: 404, hint: 'The page starts at /' }
const BAD_PATH: ProblemText = { title: 'This path cannot be understood', status: 400 }
