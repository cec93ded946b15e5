import {
  Agent,
  type ClientRequest,
  type IncomingMessage,
  request as openRequest,
  type ServerResponse,
} from 'node:http'
import {
  ACTOR_NAME_HEADER,
  ACTOR_PROVEN_HEADER,
  ACTOR_ROLE_HEADER,
  bodyLimitOf,
  SECRET_HEADER,
} from '#contract/http.ts'
import type { Role } from '#contract/session.ts'
import { type ProblemText, sendProblem, TOO_LARGE } from './answers.ts'

/** What a browser may say to the core; all else stays here, cookies first of all. */
const PASSED_ON = ['accept', 'content-type', 'content-length', 'last-event-id'] as const
/** What the core may say to a browser. */
const PASSED_BACK = [
  'content-type',
  'content-length',
  'cache-control',
  'retry-after',
  'x-accel-buffering',
] as const

/** The stream beats every 15 s: silence for longer means that the core hangs. */
const SILENCE_LIMIT_MS = 60_000

const AWAY: ProblemText = {
  title: 'This page lost touch with Gatehouse',
  status: 503,
  detail: 'The core does not answer. Your rules and blocks keep working without it.',
  hint: 'Start it again: gatehouse run (as a service: systemctl restart gatehouse).',
}

/** What is heard of a connection that the other side closed. */
const LOST: ReadonlySet<string | undefined> = new Set(['ECONNRESET', 'EPIPE'])

/** Who asks: a session, or a token, which proves itself with every request. */
export interface Caller {
  readonly name: string
  readonly role: Role
  readonly provenAt?: number
}

/** Hands one request of a caller to the core, and its answer back, streams included. */
export type Forward = (request: IncomingMessage, response: ServerResponse, caller: Caller) => void

export function createForward(core: { readonly socketPath: string; readonly secret: string }): Forward {
  const agent = new Agent({ keepAlive: true, maxSockets: 200, maxFreeSockets: 8 })
  return (request, response, { name, role, provenAt }) => {
    if (Number(request.headers['content-length'] ?? 0) > bodyLimitOf(pathOf(request)))
      return sendProblem(response, TOO_LARGE)
    const headers: Record<string, string> = {
      [SECRET_HEADER]: core.secret,
      [ACTOR_NAME_HEADER]: encodeURIComponent(name),
      [ACTOR_ROLE_HEADER]: role,
      ...(provenAt !== undefined && { [ACTOR_PROVEN_HEADER]: String(provenAt) }),
    }
    for (const header of PASSED_ON) {
      const value = request.headers[header]
      if (typeof value === 'string') headers[header] = value
    }
    const { method = 'GET', url = '/' } = request
    const ask = (onLost?: () => void): ClientRequest => {
      const upstream = openRequest({ socketPath: core.socketPath, agent, method, path: url, headers })
      upstream.setTimeout(SILENCE_LIMIT_MS, () => upstream.destroy(new Error('silence')))
      upstream.on('response', (answer) => passBack(answer, response))
      upstream.on('error', (error: NodeJS.ErrnoException) => {
        if (response.destroyed || response.headersSent) return
        if (onLost && upstream.reusedSocket && LOST.has(error.code)) onLost()
        else sendProblem(response, AWAY)
      })
      response.on('close', () => upstream.destroy())
      return upstream
    }
    // The core may close a connection that was idle just as it is used again: a question is asked once more.
    const again = method === 'GET' ? () => void ask().end() : undefined
    passOn(request, response, ask(again))
  }
}

const pathOf = ({ url = '/' }: IncomingMessage): string => url.split('?')[0] ?? ''

function passOn(
  request: IncomingMessage,
  response: ServerResponse,
  upstream: ReturnType<typeof openRequest>,
): void {
  const limit = bodyLimitOf(pathOf(request))
  let length = 0
  request.on('data', (chunk: Buffer) => {
    length += chunk.length
    if (length <= limit) {
      // What the core does not take yet waits with the browser, not here.
      if (upstream.write(chunk)) return
      request.pause()
      upstream.once('drain', () => request.resume())
      return
    }
    request.pause()
    sendProblem(response, TOO_LARGE)
  })
  request.on('end', () => upstream.end())
}

function passBack(answer: IncomingMessage, response: ServerResponse): void {
  for (const name of PASSED_BACK) {
    const value = answer.headers[name]
    if (typeof value === 'string') response.setHeader(name, value)
  }
  response.writeHead(answer.statusCode ?? 503)
  response.flushHeaders()
  answer.pipe(response)
  // A core that dies in the middle of a stream must look like a broken stream, not like its end.
  answer.on('error', () => response.destroy())
  answer.on('aborted', () => response.destroy())
}
