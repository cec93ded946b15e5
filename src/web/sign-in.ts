import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Role } from '#contract/session.ts'
import { bodyOf, redirect, sendHtml, sendJson, sendProblem, TOO_LARGE } from './answers.ts'
import { type Attempts, createAttempts } from './attempts.ts'
import type { SessionCookie } from './cookie.ts'
import { type Links, TOKEN_PATTERN } from './links.ts'
import { loginPage } from './login-page.ts'
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
}

type Answer =
  | { readonly is: 'in'; readonly who: { name: string; role: Role }; readonly by: 'link' | 'password' }
  | {
      readonly is: 'out'
      readonly status: 400 | 401 | 429
      readonly message: string
      readonly waitMs?: number
    }

const USED_LINK = 'This link was used already, or its time is over. Get a new one: gatehouse login'

/** POST /login, from the form or as JSON. A browser lands on the page; a program gets its session as JSON. */
export function createSignIn(
  parts: SignInParts,
): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  const attempts = createAttempts()
  let checking = 0

  async function byPassword(password: string, address: string): Promise<Answer> {
    const hash = parts.passwordHash()
    if (hash === undefined) {
      return {
        is: 'out',
        status: 401,
        message: 'No password is set. Get a link that works once: gatehouse login',
      }
    }
    const refused = tooMany(attempts, address, parts.now(), checking)
    if (refused) return refused
    attempts.begin(address, parts.now())
    checking++
    try {
      if (!(await isPassword(password, hash)))
        return { is: 'out', status: 401, message: 'That is not the password.' }
    } finally {
      checking--
    }
    attempts.succeeded(address)
    return { is: 'in', who: { name: 'page', role: 'admin' }, by: 'password' }
  }

  function byToken(token: string): Answer {
    const grant = TOKEN_PATTERN.test(token) ? parts.links.spend(token, parts.now()) : undefined
    if (!grant) return { is: 'out', status: 401, message: USED_LINK }
    return { is: 'in', who: { name: grant.name, role: grant.role }, by: 'link' }
  }

  async function judge(given: Given | undefined, address: string): Promise<Answer> {
    if (given?.token !== undefined) return byToken(given.token)
    if (given?.password !== undefined) return byPassword(given.password, address)
    return { is: 'out', status: 400, message: 'Send a token or a password.' }
  }

  return async (request, response) => {
    const body = await bodyOf(request)
    if (body === undefined) return sendProblem(response, TOO_LARGE)
    const isForm = String(request.headers['content-type']).startsWith('application/x-www-form-urlencoded')
    const given = isForm ? givenByForm(body) : givenByJson(body)
    const answer = await judge(given, request.socket.remoteAddress ?? 'unknown')
    if (answer.is === 'out')
      return refuse(response, answer, { isForm, hasPassword: parts.passwordHash() !== undefined })
    const now = parts.now()
    const value = parts.sessions.open(answer.who, answer.by, now)
    response.setHeader('set-cookie', parts.cookie.line(request, value))
    if (isForm) redirect(response, '/')
    else sendJson(response, parts.sessions.find(value, now))
  }
}

function tooMany(attempts: Attempts, address: string, now: number, checking: number): Answer | undefined {
  const waitMs = attempts.waitMs(address, now)
  if (waitMs > 0) {
    const seconds = Math.ceil(waitMs / 1000)
    return { is: 'out', status: 429, message: `Too many wrong passwords. Try again in ${seconds} s.`, waitMs }
  }
  if (checking < CHECK_LIMIT) return undefined
  return { is: 'out', status: 429, message: 'Too many sign in at once. Try again in 1 s.', waitMs: 1000 }
}

function refuse(
  response: ServerResponse,
  answer: Extract<Answer, { is: 'out' }>,
  { isForm, hasPassword }: { readonly isForm: boolean; readonly hasPassword: boolean },
) {
  if (answer.waitMs) response.setHeader('retry-after', String(Math.ceil(answer.waitMs / 1000)))
  if (isForm) {
    return sendHtml(response, answer.status, loginPage({ view: 'ask', hasPassword, message: answer.message }))
  }
  const { status, message } = answer
  sendProblem(response, {
    title: 'Not signed in',
    status,
    detail: message,
    signIn: { password: hasPassword },
  })
}

interface Given {
  readonly token?: string
  readonly password?: string
}

function givenByForm(body: string): Given {
  const form = new URLSearchParams(body)
  const [token, password] = [form.get('token'), form.get('password')]
  return { ...(token !== null && { token }), ...(password !== null && { password: password.slice(0, 1024) }) }
}

function givenByJson(body: string): Given | undefined {
  let value: unknown
  try {
    value = JSON.parse(body)
  } catch {
    return undefined
  }
  if (typeof value !== 'object' || value === null) return undefined
  const { token, password } = value as Record<string, unknown>
  return {
    ...(typeof token === 'string' && { token }),
    ...(typeof password === 'string' && { password: password.slice(0, 1024) }),
  }
}
