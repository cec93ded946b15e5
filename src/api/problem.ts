import type { Context, ErrorHandler } from 'hono'
import { HTTPException } from 'hono/http-exception'
import { PROBLEM_TYPE } from '#contract/http.ts'
import type { Problem } from '#contract/schemas.ts'
import type { SettingProblem } from '#contract/settings.ts'
import { ProofNeeded, Refused } from './port.ts'
import { SettingsRefused } from './settings-port.ts'

/** The error body of RFC 9457; `type` stays `about:blank`, so `title` is the status in words. */
export function problemResponse(
  problem: Omit<Problem, 'type'> & {
    readonly problems?: readonly SettingProblem[]
    readonly signIn?: object
  },
): Response {
  return new Response(JSON.stringify({ type: 'about:blank', ...problem }), {
    status: problem.status,
    headers: { 'content-type': PROBLEM_TYPE, 'cache-control': 'no-store' },
  })
}

const TITLES: Readonly<Record<number, string>> = {
  400: 'This request cannot be understood',
  401: 'Sign in first',
  403: 'Not allowed',
  404: 'Not found',
  405: 'Not possible here',
  409: 'Not possible now',
  413: 'Too large',
  500: 'Something went wrong inside Gatehouse',
  503: 'Not available now',
}

export const titleOf = (status: number): string => TITLES[status] ?? 'Not possible'

function refusal(error: Refused): Response {
  const { status, message, hint } = error
  const problems = error instanceof SettingsRefused ? { problems: error.problems } : {}
  const asked = error instanceof ProofNeeded ? { signIn: { proof: true } } : {}
  return problemResponse({ title: titleOf(status), status, detail: message, hint, ...problems, ...asked })
}

/** Every throw becomes a problem; what nobody foresaw goes to `onFault` and shows no inner words. */
export const problemOf =
  (onFault: (error: Error) => void): ErrorHandler =>
  (error) => {
    if (error instanceof Refused) return refusal(error)
    if (error instanceof HTTPException) {
      const { status, message } = error
      const hint = status === 400 ? 'Send a JSON object with content-type application/json.' : undefined
      return problemResponse({ title: titleOf(status), status, detail: message, ...(hint && { hint }) })
    }
    onFault(error)
    return problemResponse({
      title: titleOf(500),
      status: 500,
      hint: 'Monitoring goes on. The log of Gatehouse has the cause; `gatehouse doctor` checks the rest.',
    })
  }

interface Validation {
  readonly success: boolean
  readonly target?: string
  readonly error?: {
    readonly issues: readonly { readonly path: readonly PropertyKey[]; readonly message: string }[]
  }
}

const PLACES: Readonly<Record<string, string>> = { json: 'body', query: 'query', param: 'path' }

/** The hook of zod-openapi: the first thing that does not fit, with its place. */
export function problemOfValidation(result: Validation, context: Context): Response | undefined {
  if (result.success) return undefined
  const place = PLACES[result.target ?? ''] ?? 'request'
  const detail = (result.error?.issues ?? [])
    .slice(0, 3)
    .map((issue) => `${[place, ...issue.path.map(String)].join('.')}: ${issue.message}`)
    .join('; ')
  const hint = `GET /api/v1/openapi.json describes what ${context.req.method} ${context.req.path} takes.`
  return problemResponse({ title: titleOf(400), status: 400, detail, hint })
}
