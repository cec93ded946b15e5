import type { Search, SearchKey } from '../../../src/contract/search/search.ts'
import type { Summary, SummaryKind, SummaryList } from '../../../src/contract/views.ts'
import { ask, ProblemError } from '../api.ts'

/** A part of the past, in milliseconds since the epoch; open to the present without `until`. */
export interface PastPeriod {
  readonly since: number
  readonly until?: number
}

/** The period that a search, and what is marked on the timeline, keep to; without both, all that is kept. */
export function periodOf(
  search: Search,
  marked?: { readonly from: number; readonly to: number },
): PastPeriod {
  let since = marked?.from ?? 0
  let until = marked?.to ?? Number.POSITIVE_INFINITY
  for (const term of search.terms) {
    const { from, to } = spanOf(term)
    if (term.key === 'since') since = Math.max(since, from ?? since)
    if (term.key === 'until') until = Math.min(until, to ?? until)
  }
  return { since, ...(Number.isFinite(until) && { until }) }
}

/** From when to when a term is, where it says one time alone. */
function spanOf({ isNot, anyOf: [first, ...others] }: Search['terms'][number]): {
  readonly from?: number
  readonly to?: number
} {
  return isNot || others.length > 0 || first?.kind !== 'number' ? {} : first.span
}

/** A value that connections of a period have, with how many. */
export interface KeptValue {
  readonly key: SearchKey
  readonly value: string
  readonly count: number
}

/** What the store sums up, so that its values can be counted over any period at once. */
const KINDS: Readonly<Partial<Record<SearchKey, SummaryKind>>> = {
  app: 'program',
  peer: 'host',
  port: 'port',
  country: 'country',
  user: 'user',
  container: 'container',
}

/** Whether the past can count values of this key. */
export const isKept = (key: SearchKey): boolean => key in KINDS

const MOST = 500
/** Suggestions that come later than this are of no use to who types. */
const WITHIN_MS = 1500
const STALE_AFTER_MS = 60_000
const MINUTE_MS = 60_000

/** Values of a period, read when somebody types: each kind once, the largest of it. */
export class KeptValues {
  /** By kind and period. */
  #read = $state.raw<ReadonlyMap<string, readonly KeptValue[]>>(new Map())
  readonly #askedAt = new Map<string, number>()

  /** Those that are read by now. */
  of(period: PastPeriod): KeptValue[] {
    return Object.values(KINDS).flatMap((kind) => this.#read.get(nameOf(kind, period)) ?? [])
  }

  /** Reads the values of one key, or of all, unless that was done a moment ago. `now` in milliseconds of any clock. */
  want(only: SearchKey | undefined, period: PastPeriod, now: number): void {
    for (const [key, kind] of Object.entries(KINDS) as [SearchKey, SummaryKind][]) {
      const name = nameOf(kind, period)
      if ((only && key !== only) || now - (this.#askedAt.get(name) ?? -STALE_AFTER_MS) < STALE_AFTER_MS)
        continue
      this.#askedAt.set(name, now)
      void this.#ask(key, kind, period)
    }
  }

  async #ask(key: SearchKey, kind: SummaryKind, period: PastPeriod): Promise<void> {
    const asked = new URLSearchParams({
      by: kind,
      since: String(Math.floor(period.since)),
      limit: String(MOST),
    })
    if (period.until !== undefined) asked.set('until', String(Math.floor(period.until)))
    try {
      const list = await ask<SummaryList>(
        'GET',
        `summaries?${asked}`,
        undefined,
        AbortSignal.timeout(WITHIN_MS),
      )
      const values = valuesOf(key, list.items)
      // Of other periods nothing is kept: the reader has left them.
      const others = [...this.#read].filter(([name]) => name.endsWith(ofPeriod(period)))
      this.#read = new Map([...others, [nameOf(kind, period), values]])
    } catch (problem) {
      // To suggest is a courtesy: without it the search works as well.
      if (!(problem instanceof ProblemError || problem instanceof DOMException)) throw problem
    }
  }
}

const ofPeriod = ({ since, until }: PastPeriod): string =>
  `${Math.floor(since / MINUTE_MS)} ${until === undefined ? '' : Math.floor(until / MINUTE_MS)}`

const nameOf = (kind: SummaryKind, period: PastPeriod): string => `${kind} ${ofPeriod(period)}`

/** Sums as values that the search understands: programs by name, ports without their protocol. */
export function valuesOf(key: SearchKey, sums: readonly Pick<Summary, 'key' | 'flows'>[]): KeptValue[] {
  const counts = new Map<string, number>()
  for (const { key: text, flows } of sums) {
    const value = searchedAs(key, text)
    if (value !== undefined) counts.set(value, (counts.get(value) ?? 0) + flows)
  }
  return [...counts].map(([value, count]) => ({ key, value, count }))
}

function searchedAs(key: SearchKey, text: string): string | undefined {
  // Nothing known, and all others together.
  if (text === '' || text === '*') return undefined
  if (key === 'app') return /^\[(.*)\]$/su.exec(text)?.[1] ?? text.slice(text.lastIndexOf('/') + 1)
  if (key === 'port') return /^(\d+)\//u.exec(text)?.[1]
  return text
}
