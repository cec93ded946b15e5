import type { IncomingMessage } from 'node:http'
import { API_PREFIX, INTENT_HEADER } from '#contract/http.ts'
import type { ProblemText } from './answers.ts'
import type { Origins } from './origins.ts'

/** The reason to turn a request away before anything looks at it. */
export function refusalOf(request: IncomingMessage, origins: Origins): ProblemText | undefined {
  const { host, 'sec-fetch-site': site } = request.headers
  if (!origins.isOurHost(host)) return WRONG_HOST
  const isApi = (request.url ?? '').startsWith(`${API_PREFIX}/`)
  if (request.method !== 'GET' && request.method !== 'HEAD') return refusalOfChange(request, origins, isApi)
  const isForeign = isApi && site !== undefined && !['same-origin', 'none'].includes(String(site))
  return isForeign ? FOREIGN : undefined
}

function refusalOfChange(
  request: IncomingMessage,
  origins: Origins,
  isApi: boolean,
): ProblemText | undefined {
  const { host, origin, 'sec-fetch-site': site } = request.headers
  // No browser adds a token by itself: who has one means what it sends.
  if (isApi && tokenOf(request) !== undefined && origin === undefined) return undefined
  if (!origins.isOurOrigin(origin, host)) return FOREIGN
  if (site !== undefined && site !== 'same-origin') return FOREIGN
  return request.headers[INTENT_HEADER] !== undefined ? undefined : NO_INTENT
}

/** What stands in `Authorization: Bearer`; undefined without one. */
export function tokenOf(request: IncomingMessage): string | undefined {
  return /^Bearer ([\w-]{1,128})$/.exec(request.headers.authorization ?? '')?.[1]
}

/** undefined for what is no path: absolute URLs, backslashes, raw or encoded dot segments, control characters. */
export function urlOf(request: IncomingMessage): URL | undefined {
  const text = request.url ?? ''
  if (!/^\/(?!\/)[!-~]*$/.test(text) || /[\\^`{|}<>"]/.test(text)) return undefined
  const path = text.split(/[?#]/)[0] ?? ''
  if (path.split('/').some((part) => /^(?:\.|%2e){1,2}$/i.test(part)) || /%00|%5c/i.test(path))
    return undefined
  return URL.parse(text, 'http://gatehouse') ?? undefined
}

const WRONG_HOST: ProblemText = {
  title: 'Not under this name',
  status: 421,
  detail: 'The Host header names no address of this page.',
  hint: 'Open the address that Gatehouse printed at start, or add this name to web.origins in the config.',
}
const FOREIGN: ProblemText = {
  title: 'Not from another site',
  status: 403,
  detail: 'Only this page itself may do that.',
  hint: 'Open the page at the address that Gatehouse printed at start.',
}
const NO_INTENT: ProblemText = {
  title: 'Not without a sign of intent',
  status: 403,
  detail: `The header ${INTENT_HEADER} is missing.`,
  hint: `Send ${INTENT_HEADER}: 1 with every change.`,
}
