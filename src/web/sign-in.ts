import type { IncomingMessage, ServerResponse } from 'node:http'
import { type Role, SignIn } from '#contract/session.ts'
import { bodyOf, sendJson, sendProblem, TOO_LARGE } from './answers.ts'
import { type Attempts, createAttempts } from './attempts.ts'
import type { SessionCookie } from './cookie.ts'
import { type Links, TOKEN_PATTERN } from './links.ts'
import { isPassword } from './password.ts'
import type { Sessions } from './sessions.ts'

/** scrypt takes 32 MB and a thread each: more at once would be a gift to who wants to stop us. */
const CHECK_LIMIT = 2

export interface SignInParts {
  readonly sessions: Sessions
  readonly links: Links
  readonly cookie: SessionCookie
  /** The hash in force; undefined while there is no password. */
  passwordHash(): string | undefined
  now(): number
  onSignIn(line: SignInLine): void
}

/** One try to sign in, for the log: never what was typed. */
export type SignInLine =
  | { readonly address: string; readonly signedIn: string; readonly by: 'link' | 'password' }
  | { readonly address: string; readonly refused: string }

type Answer =
  | { readonly is: 'in'; readonly who: { name: string; role: Role }; readonly by: 'link' | 'password' }
  | {
      readonly is: 'out'
      readonly status: 400 | 401 | 429
      readonly detail: string
      readonly hint?: string
      readonly waitMs?: number
    }

const NEW_LINK = 'Get a link that works once: gatehouse login'

/** POST /login with a token or a password, as JSON: answers the session, and sets its cookie. */
export function createSignIn(
  parts: SignInParts,
): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  const attempts = createAttempts()
  let checking = 0

  async function byPassword(password: string, address: string): Promise<Answer> {
    const hash = parts.passwordHash()
    if (hash === undefined) return { is: 'out', status: 401, detail: 'No password is set.', hint: NEW_LINK }
    const refused = tooMany(attempts, address, parts.now(), checking)
    if (refused) return refused
    attempts.begin(address, parts.now())
    checking++
    try {
      if (!(await isPassword(password, hash))) {
        return { is: 'out', status: 401, detail: 'That is not the password.', hint: NEW_LINK }
      }
    } finally {
      checking--
    }
    attempts.succeeded(address)
    return { is: 'in', who: { name: 'page', role: 'admin' }, by: 'password' }
  }

  function byToken(token: string): Answer {
    const grant = TOKEN_PATTERN.test(token) ? parts.links.spend(token, parts.now()) : undefined
    if (grant) return { is: 'in', who: { name: grant.name, role: grant.role }, by: 'link' }
    return {
      is: 'out',
      status: 401,
      detail: 'This link was used already, or its time is over.',
      hint: NEW_LINK,
    }
  }

  async function judge(body: string, address: string): Promise<Answer> {
    const given = SignIn.safeParse(parsed(body)).data
    if (!given) return { is: 'out', status: 400, detail: 'Send {"token": …} or {"password": …} as JSON.' }
    return 'token' in given ? byToken(given.token) : byPassword(given.password, address)
  }

  return async (request, response) => {
    const body = await bodyOf(request)
    if (body === undefined) return sendProblem(response, TOO_LARGE)
    const address = request.socket.remoteAddress ?? 'unknown'
    const answer = await judge(body, address)
    if (answer.is === 'out') {
      const { status, detail, hint, waitMs } = answer
      parts.onSignIn({ address, refused: detail })
      if (waitMs) response.setHeader('retry-after', String(Math.ceil(waitMs / 1000)))
      return sendProblem(response, { title: 'Not signed in', status, detail, ...(hint && { hint }) })
    }
    parts.onSignIn({ address, signedIn: answer.who.name, by: answer.by })
    const now = parts.now()
    const value = parts.sessions.open(answer.who, answer.by, now)
    response.setHeader('set-cookie', parts.cookie.line(request, value))
    sendJson(response, parts.sessions.find(value, now))
  }
}

function tooMany(attempts: Attempts, address: string, now: number, checking: number): Answer | undefined {
  const waitMs = attempts.waitMs(address, now)
  if (waitMs > 0) {
    const seconds = Math.ceil(waitMs / 1000)
    return { is: 'out', status: 429, detail: `Too many wrong passwords. Try again in ${seconds} s.`, waitMs }
  }
  if (checking < CHECK_LIMIT) return undefined
  return { is: 'out', status: 429, detail: 'Too many sign in at once. Try again in 1 s.', waitMs: 1000 }
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    return undefined
  }
}
