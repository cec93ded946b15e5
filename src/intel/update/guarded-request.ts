import { lookup as resolve } from 'node:dns'
import { type IncomingMessage, request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import { isIP, type LookupFunction } from 'node:net'
import { Unusable } from '../formats/format.ts'
import { isPublic, readTargetWords } from '../indicators/target-words.ts'
import { answered } from './answered.ts'
import { sendThroughProxy } from './proxied-request.ts'

/** One request, as the egress ledger has it. */
export interface Hop {
  readonly url: URL
}

export interface GuardedRequest {
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  /** True: the address that a person named may be in their own network. Redirects elsewhere may not lead there. */
  readonly mayBePrivate: boolean
  /** A POST with these fields in place of a GET; then no redirect is followed. */
  readonly form?: URLSearchParams
  /** Where requests go instead; it resolves names, and may be in the own network. */
  readonly proxy?: URL | undefined
  /** Ends the request and its answer. */
  readonly signal: AbortSignal
  /** Asked before anything is sent, also on a redirect; waits until it is on record. */
  readonly beforeHop: (hop: Hop) => Promise<void>
}

const MOST_REDIRECTS = 5
const REDIRECTS = new Set([301, 302, 303, 307, 308])

/**
 * Sends a GET and follows redirects, over http and https alone. Neither a redirect nor a name that resolves to it
 * may lead to this machine or its network (SSRF): a list's maker must not be able to make us knock there. Throws
 * `Unusable` with the reason in words.
 */
export async function guardedGet(request: GuardedRequest): Promise<IncomingMessage> {
  let url = request.url
  let headers = request.headers
  for (let hops = 0; hops <= MOST_REDIRECTS; hops++) {
    const mayBePrivate = request.mayBePrivate && url.origin === request.url.origin
    refuseLiteral(url, mayBePrivate)
    await request.beforeHop({ url })
    const response = await send(url, { ...request, headers, mayBePrivate })
    const { location } = response.headers
    const isRedirect = REDIRECTS.has(response.statusCode ?? 0) && location !== undefined
    if (!isRedirect || request.form !== undefined) return response
    response.destroy()
    const next = nextUrl(url, location)
    // What a person gave for one site is not for another.
    if (next.origin !== url.origin) headers = withoutSecrets(headers)
    url = next
  }
  throw new Unusable(`was redirected more than ${MOST_REDIRECTS} times`)
}

const HARMLESS = new Set(['user-agent', 'accept', 'accept-encoding'])

/** Keys come in headers of many names. */
const withoutSecrets = (headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => HARMLESS.has(name)))

function nextUrl(from: URL, location: string): URL {
  const url = URL.canParse(location, from.href) ? new URL(location, from.href) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol))
    throw new Unusable('was redirected to no web address')
  if (from.protocol === 'https:' && url.protocol !== 'https:')
    throw new Unusable(`was redirected from https to ${url.host} without encryption`)
  return url
}

/** A name is judged when it is resolved, but an address in the URL is never resolved. */
function refuseLiteral({ hostname }: URL, mayBePrivate: boolean): void {
  const address = hostname.replace(/^\[|\]$/g, '')
  if (isIP(address) !== 0 && !mayBePrivate && !isPublicAddress(address)) throw privateTarget(hostname)
}

const words = new Uint32Array(4)

function isPublicAddress(address: string): boolean {
  const read = readTargetWords(address.split('%')[0] ?? '', words)
  return read !== undefined && isPublic(words, read)
}

const privateTarget = (host: string): Unusable =>
  new Unusable(`leads to ${host}, which is in this machine's own network`)

/** Resolves and judges in one step, so that a second answer of the name server cannot differ. */
const guardedLookup: LookupFunction = (hostname, options, callback) => {
  resolve(hostname, { ...options, all: true }, (error, addresses) => {
    if (error) return callback(error, '', 0)
    if (addresses.some(({ address }) => !isPublicAddress(address)))
      return callback(privateTarget(hostname), '', 0)
    const [first] = addresses
    if (options.all) callback(null, addresses)
    else callback(null, first?.address ?? '', first?.family)
  })
}

const FORM = { 'content-type': 'application/x-www-form-urlencoded' }

function send(url: URL, options: GuardedRequest): Promise<IncomingMessage> {
  const { signal, mayBePrivate, proxy, form } = options
  const body = form?.toString()
  const method = body === undefined ? 'GET' : 'POST'
  const headers =
    body === undefined
      ? options.headers
      : { ...options.headers, ...FORM, 'content-length': `${Buffer.byteLength(body)}` }
  // A neighbour is not asked through somebody outside.
  if (proxy && !mayBePrivate) return sendThroughProxy(url, { headers, signal, proxy, method, body })
  const start = url.protocol === 'https:' ? requestHttps : requestHttp
  const guard = mayBePrivate ? {} : { lookup: guardedLookup }
  return answered(url, { signal, body }, () =>
    start(url, { method, headers, signal, agent: false, ...guard }),
  )
}
