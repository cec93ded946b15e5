import type { IncomingMessage, ServerResponse } from 'node:http'
import { Proof, type Role, SignIn } from '#contract/session.ts'
import { bodyOf, sendJson, sendProblem, TOO_LARGE } from './answers.ts'
import { type Attempts, createAttempts } from './attempts.ts'
import type { SessionCookie } from './cookie.ts'
import { type Links, TOKEN_PATTERN } from './links.ts'
import type { Claim, People } from './people.ts'
import type { Sessions } from './sessions.ts'

/** scrypt takes 32 MB and a thread each: more at once would be a gift to who wants to stop us. */
const CHECK_LIMIT = 2

export interface SignInParts {
  readonly sessions: Sessions
  readonly links: Links
  readonly cookie: SessionCookie
  readonly people: People
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
      /** The page asks for it. */
      readonly needsCode?: boolean
    }

const NEW_LINK = 'Get a link that works once: gatehouse login'

export interface SignInDoor {
  /** POST /login with a token or a password, as JSON: answers the session, and sets its cookie. */
  signIn(request: IncomingMessage, response: ServerResponse): Promise<void>
  /** POST /proof: who is signed in proves once more who it is. */
  prove(request: IncomingMessage, response: ServerResponse): Promise<void>
}

export function createSignIn(parts: SignInParts): SignInDoor {
  const byPassword = createPasswordCheck(parts)

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
    return 'token' in given ? byToken(given.token) : byPassword(given, address)
  }

  function refuse(response: ServerResponse, address: string, answer: Extract<Answer, { is: 'out' }>): void {
    const { status, detail, hint, waitMs, needsCode } = answer
    parts.onSignIn({ address, refused: detail })
    if (waitMs) response.setHeader('retry-after', String(Math.ceil(waitMs / 1000)))
    const asked = needsCode && { signIn: { code: true } }
    sendProblem(response, { title: 'Not signed in', status, detail, ...(hint && { hint }), ...asked })
  }

  return {
    async signIn(request, response) {
      const body = await bodyOf(request)
      if (body === undefined) return sendProblem(response, TOO_LARGE)
      const address = addressOf(request)
      const answer = await judge(body, address)
      if (answer.is === 'out') return refuse(response, address, answer)
      parts.onSignIn({ address, signedIn: answer.who.name, by: answer.by })
      const now = parts.now()
      // Never the cookie that the browser came with: whoever planted one must not know this one.
      const value = parts.sessions.open({ ...answer.who, by: answer.by, from: address }, now)
      response.setHeader('set-cookie', parts.cookie.line(request, value))
      sendJson(response, parts.sessions.find(value, now))
    },

    async prove(request, response) {
      const body = await bodyOf(request)
      if (body === undefined) return sendProblem(response, TOO_LARGE)
      const value = parts.cookie.read(request)
      const session = parts.sessions.find(value, parts.now())
      const given = Proof.safeParse(parsed(body)).data
      if (value === undefined || !session) return sendProblem(response, SIGNED_OUT)
      if (!given) return sendProblem(response, NO_PROOF)
      const address = addressOf(request)
      const answer = await byPassword({ ...given, name: session.name }, address)
      if (answer.is === 'out') return refuse(response, address, answer)
      parts.sessions.prove(value, parts.now())
      sendJson(response, parts.sessions.find(value, parts.now()))
    },
  }
}

const addressOf = (request: IncomingMessage): string => request.socket.remoteAddress ?? 'unknown'

const SIGNED_OUT = { title: 'Sign in first', status: 401, hint: NEW_LINK }
const NO_PROOF = { title: 'Not proved', status: 400, detail: 'Send {"password": …} as JSON.' }
const WRONG: Answer = {
  is: 'out',
  status: 401,
  detail: 'Name, password or code is wrong.',
  hint: NEW_LINK,
}

/** Slower with every wrong try, whatever of it was wrong. */
function createPasswordCheck({
  people,
  now,
}: SignInParts): (claim: Claim, address: string) => Promise<Answer> {
  const attempts = createAttempts()
  let checking = 0
  return async (claim, address) => {
    if (!people.hasPassword) {
      return { is: 'out', status: 401, detail: 'No password is set.', hint: NEW_LINK }
    }
    const refused = tooMany(attempts, address, now(), checking)
    if (refused) return refused
    attempts.begin(address, now())
    checking++
    const check = await people.check(claim, now()).finally(() => checking--)
    if (check.is === 'code-missing') {
      // The password was right: half of a sign-in is no wrong guess.
      attempts.succeeded(address)
      const detail = 'The code of your authenticator app is missing.'
      return { is: 'out', status: 401, detail, needsCode: true }
    }
    if (check.is === 'wrong') return WRONG
    attempts.succeeded(address)
    return { is: 'in', who: check.who, by: 'password' }
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
