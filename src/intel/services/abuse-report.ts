import type { Ip } from '#model/address.ts'
import { Unusable } from '../formats/format.ts'
import { guardedGet } from '../update/guarded-request.ts'
import type { Quota } from './service.ts'

/** What can be reported (abuseipdb.com/categories), by the words that people use here. */
export const ABUSE_CATEGORIES = {
  ddos: 4,
  phishing: 7,
  'web-spam': 10,
  'email-spam': 11,
  'port-scan': 14,
  hacking: 15,
  'sql-injection': 16,
  'brute-force': 18,
  'bad-bot': 19,
  'exploited-host': 20,
  'web-attack': 21,
  ssh: 22,
} as const

export type AbuseCategory = keyof typeof ABUSE_CATEGORIES

export interface AbuseOrder {
  readonly address: Ip
  readonly categories: readonly AbuseCategory[]
  /** Everybody reads it there. */
  readonly comment?: string | undefined
  /** Who wants it. */
  readonly actor: string
}

/** A report was not sent, or not taken; the message is for people. */
export class ReportRefusal extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'ReportRefusal'
  }
}

export const REPORTED_TO = 'abuseipdb'
/** Of the free plan (docs.abuseipdb.com, API daily rate limits). */
export const REPORT_QUOTAS: readonly Quota[] = [{ requests: 1_000, seconds: 86_400 }]
const ORIGIN = 'https://api.abuseipdb.com'
const ANSWER_WITHIN_MS = 20_000

/** AbuseIPDB API v2, report (docs.abuseipdb.com). Throws `ReportRefusal`. */
export async function reportAbuse(
  { address, categories, comment, actor }: AbuseOrder,
  by: {
    readonly url?: string | undefined
    readonly key: string
    readonly proxy?: URL | undefined
    readonly record: (request: {
      readonly to: string
      readonly what: string
      readonly why: string
    }) => Promise<void>
  },
): Promise<void> {
  const form = new URLSearchParams({
    ip: address,
    categories: categories.map((category) => ABUSE_CATEGORIES[category]).join(','),
    ...(comment !== undefined && { comment }),
  })
  const what = `reported ${address} for ${categories.join(', ')}`
  const response = await guardedGet({
    url: new URL('/api/v2/report', by.url ?? ORIGIN),
    headers: { 'user-agent': 'gatehouse', accept: 'application/json', key: by.key },
    mayBePrivate: by.url !== undefined,
    form,
    proxy: by.proxy,
    signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
    beforeHop: ({ url }) =>
      by.record({ to: url.host, what, why: `service ${REPORTED_TO}, as ${actor} wants` }),
  }).catch((error: Error) => {
    throw new ReportRefusal(
      error instanceof Unusable ? `The report ${error.message}.` : 'The report could not be put on record.',
    )
  })
  response.destroy()
  const status = response.statusCode ?? 0
  if (status !== 200)
    throw new ReportRefusal(`AbuseIPDB does not take it: ${WORDS[status] ?? `status ${status}`}.`)
}

const WORDS: Readonly<Record<number, string>> = {
  401: 'the key is bad (status 401)',
  403: 'the key may not report (status 403)',
  422: 'the report is not as it wants it (status 422)',
  429: 'too many reports, or this address within a quarter of an hour (status 429)',
}
