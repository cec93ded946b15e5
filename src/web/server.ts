import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { API_PREFIX } from '#contract/http.ts'
import { type ProblemText, secure, sendFailure, sendJson, sendProblem } from './answers.ts'
import { createSessionCookie, type SessionCookie } from './cookie.ts'
import { createForward, type Forward } from './forward.ts'
import { createLinks } from './links.ts'
import { createOrigins } from './origins.ts'
import type { BuiltPage } from './page.ts'
import { refusalOf, urlOf } from './request-check.ts'
import { createSessions, type Sessions } from './sessions.ts'
import { createSignIn, type SignInLine } from './sign-in.ts'
import type { WebMessage, WebStart } from './spawn-contract.ts'

export interface WebParts {
  readonly start: WebStart
  /** The port that we listen on: `start.port`, or the one the kernel chose for 0. */
  readonly port: number
  readonly page: BuiltPage | undefined
  now(): number
  /** Somebody tried to sign in. */
  onSignIn?(line: SignInLine): void
  /** One answer, for the log: the path without its query, which may hold a token. */
  onAnswer?(line: { readonly method: string; readonly path: string; readonly status: number }): void
}

export interface WebServer {
  answer(request: IncomingMessage, response: ServerResponse): void
  /** A new link or password from the core. */
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
  const sessions = createSessions()
  const links = createLinks()
  for (const link of start.links) links.add(link)
  let passwordHash = start.passwordHash
  const house: House = {
    ...parts,
    cookie,
    sessions,
    signIn: createSignIn({
      sessions,
      links,
      cookie,
      now,
      passwordHash: () => passwordHash,
      onSignIn: (line) => parts.onSignIn?.(line),
    }),
    forward: createForward(start),
    hasPassword: () => passwordHash !== undefined,
  }

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
      if (message.kind === 'link') links.add(message.link)
      else {
        passwordHash = message.hash
        sessions.endOfPassword()
      }
    },
  }
}

interface House extends WebParts {
  readonly cookie: SessionCookie
  readonly sessions: Sessions
  readonly forward: Forward
  signIn(request: IncomingMessage, response: ServerResponse): Promise<void>
  hasPassword(): boolean
}

function route(house: House, request: IncomingMessage, response: ServerResponse) {
  const url = urlOf(request)
  if (!url) return sendFailure(request, response, BAD_PATH)
  if (url.pathname.startsWith(`${API_PREFIX}/`)) return askCore(house, request, response)
  if (request.method === 'GET' || request.method === 'HEAD') return show(house, url, request, response)
  if (request.method === 'POST' && url.pathname === '/logout') return signOut(house, request, response)
  if (request.method === 'POST' && url.pathname === '/login') {
    return void house.signIn(request, response).catch(() => response.destroy())
  }
  return sendProblem(response, NOT_FOUND)
}

function askCore(house: House, request: IncomingMessage, response: ServerResponse) {
  const value = house.cookie.read(request)
  const session = house.sessions.find(value, house.now())
  if (value === undefined || !session) return sendProblem(response, signedOut(house))
  // A stream keeps its session in use, and ends when that does: signed out elsewhere, or its whole time is over.
  endWithSession(response, () => house.sessions.find(value, house.now()) !== undefined)
  return house.forward(request, response, session)
}

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
  signIn: { password: house.hasPassword() },
})

const SESSION_CHECK_MS = 10_000

function endWithSession(response: ServerResponse, isOpen: () => boolean): void {
  const check = setInterval(() => {
    if (!isOpen()) response.destroy()
  }, SESSION_CHECK_MS)
  check.unref()
  response.on('close', () => clearInterval(check))
}

const NOT_BUILT: ProblemText = {
  title: 'The page is not built yet',
  status: 503,
  detail: 'The API and the command line work without it.',
  hint: 'Run npm run page in the checkout, then start Gatehouse again.',
}
const NOT_FOUND: ProblemText = { title: 'Not found', status: 404, hint: 'The page starts at /' }
const BAD_PATH: ProblemText = { title: 'This path cannot be understood', status: 400 }
