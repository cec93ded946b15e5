import { type IncomingMessage, request } from 'node:http'
import { API_PREFIX, PROBLEM_TYPE } from '#contract/http.ts'
import type { Problem } from '#contract/schemas.ts'
import { Failure } from './failure.ts'

/** The core, asked over its socket file. */
export interface CoreClient {
  /** `path` below /api/v1. Throws `Failure` when the core is away or says no. */
  ask<Answer>(
    method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE',
    path: string,
    body?: unknown,
  ): Promise<Answer>
}

const ANSWER_LIMIT_MS = 60_000

/** Tries the socket files in turn; the first that somebody answers on is the core. */
export function createCoreClient(candidates: readonly string[]): CoreClient {
  return {
    async ask<Answer>(method: string, path: string, body?: unknown): Promise<Answer> {
      return (await askFirst(candidates, { method, path, body })) as Answer
    },
  }
}

async function askFirst(candidates: readonly string[], question: Question): Promise<unknown> {
  const denied: string[] = []
  for (const socketPath of candidates) {
    try {
      return await askOnce(socketPath, question)
    } catch (error) {
      if (isDenied(error)) denied.push(socketPath)
      else if (!isAway(error)) throw asFailure(error, socketPath)
    }
  }
  throw denied[0] === undefined ? away(candidates) : refused(denied[0])
}

const isDenied = (error: unknown): boolean => ['EACCES', 'EPERM'].includes(codeOf(error))
const isAway = (error: unknown): boolean => ['ENOENT', 'ENOTDIR', 'ECONNREFUSED'].includes(codeOf(error))
const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? ''

const refused = (socketPath: string): Failure =>
  new Failure(
    `You may not ask Gatehouse: ${socketPath} is for root and the group gatehouse.`,
    'Use sudo, or ask an administrator to add you: sudo usermod -aG gatehouse "$USER"',
  )

const away = (candidates: readonly string[]): Failure =>
  new Failure(
    `Gatehouse is not running: nobody answers on ${candidates.join(' or ')}.`,
    'Start it: sudo gatehouse run (as a service: sudo systemctl start gatehouse)',
  )

interface Question {
  readonly method: string
  readonly path: string
  readonly body: unknown
}

function askOnce(socketPath: string, { method, path, body }: Question): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const text = body === undefined ? undefined : JSON.stringify(body)
    const headers = text === undefined ? {} : { 'content-type': 'application/json' }
    const asking = request({ socketPath, method, path: `${API_PREFIX}${path}`, headers, agent: false })
    asking.setTimeout(ANSWER_LIMIT_MS, () =>
      asking.destroy(new Failure('Gatehouse does not answer.', RESTART)),
    )
    asking.on('error', reject)
    asking.on('response', (response) => {
      read(response).then(resolve, reject)
    })
    asking.end(text)
  })
}

const RESTART = 'See what it does: gatehouse doctor, or restart it.'

async function read(response: IncomingMessage): Promise<unknown> {
  let text = ''
  response.setEncoding('utf8')
  for await (const chunk of response) text += chunk
  const status = response.statusCode ?? 0
  if (status === 204) return undefined
  const value: unknown = text === '' ? undefined : JSON.parse(text)
  if (status < 400) return value
  const problem = response.headers['content-type'] === PROBLEM_TYPE ? (value as Problem) : undefined
  throw new Failure(
    problem?.detail ?? problem?.title ?? `Gatehouse answered with status ${status}.`,
    problem?.hint ?? RESTART,
    status === 400 ? 2 : 1,
  )
}

const asFailure = (error: unknown, socketPath: string): Failure =>
  error instanceof Failure
    ? error
    : new Failure(`Gatehouse could not be asked on ${socketPath}: ${(error as Error).message}.`, RESTART)
