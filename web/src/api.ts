import type { Problem } from '../../src/contract/schemas.ts'
import { text } from './text/text.ts'

export const API = '/api/v1'

/** An answer that says no: `title` and `detail` are sentences, `hint` is what the reader can do. */
export class ProblemError extends Error {
  readonly status: number
  readonly detail: string | undefined
  readonly hint: string | undefined
  /** Members beyond RFC 9457's own, such as `signIn`. */
  readonly extra: Readonly<Record<string, Record<string, unknown> | undefined>>

  constructor(problem: ProblemWords) {
    super(problem.title)
    this.name = 'ProblemError'
    this.status = problem.status
    this.detail = problem.detail
    this.hint = problem.hint
    this.extra = { ...problem } as unknown as typeof this.extra
  }

  /** What to read first: the sentence about this very case. */
  get sentence(): string {
    return this.detail ?? this.message
  }
}

type ProblemWords = Pick<Problem, 'status' | 'title' | 'detail' | 'hint'>

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

let onSignedOut: () => void = () => undefined

/** Who is told when an answer says that the session is over. */
export function whenSignedOut(listener: () => void): void {
  onSignedOut = listener
}

let onProofNeeded: () => Promise<boolean> = async () => false

/** Who asks the reader to prove once more who they are, when an act wants that; answers whether they did. */
export function whenProofNeeded(listener: () => Promise<boolean>): void {
  onProofNeeded = listener
}

/** Asks the API, or a path of the web process when `path` starts with `/`. Throws a ProblemError for every failure. */
export async function ask<Answer>(
  method: Method,
  path: string,
  body?: unknown,
  signal?: AbortSignal,
): Promise<Answer> {
  const url = path.startsWith('/') ? path : `${API}/${path}`
  const response = await fetch(url, requestOf(method, body, signal)).catch(() => undefined)
  if (!response) throw new ProblemError({ status: 0, ...text.problems.unreachable })
  if (response.status === 401 && url.startsWith(API)) onSignedOut()
  if (response.status === 204) return undefined as Answer
  if (response.ok) return (await response.json()) as Answer
  const problem = new ProblemError(await problemOf(response))
  const isProved = problem.extra['signIn']?.proof === true && (await onProofNeeded())
  if (isProved) return ask(method, path, body, signal)
  throw problem
}

const requestOf = (method: Method, body: unknown, signal: AbortSignal | undefined): RequestInit => ({
  method,
  credentials: 'same-origin',
  headers: {
    accept: 'application/json',
    ...(method === 'GET' ? {} : { 'X-Gatehouse': '1' }),
    ...(body === undefined ? {} : { 'content-type': 'application/json' }),
  },
  ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  ...(signal && { signal }),
})

async function problemOf(response: Response): Promise<ProblemWords> {
  const known = (await response.json().catch(() => undefined)) as Partial<Problem> | undefined
  return { title: text.problems.unexpected(response.status), ...known, status: response.status }
}
