import type { DatabaseSync } from 'node:sqlite'
import type { Search, SearchKey, Term } from '#contract/search/search.ts'
import { SUMMARY_KINDS, type Summary } from '#model/summary.ts'
import { timeOfKey } from './flow-key.ts'
import { HOUR_MS } from './roll-up.ts'
import type { FlowSearch } from './search/flow-search.ts'
import { sumFlows, summaryOf } from './search/flow-sums.ts'
import type { SummaryRequest, SummarySlice } from './store.ts'

const MAX_LISTED = 500
/** Shorter periods are summed up flow by flow: whole hours would say too much. */
const EXACT_UP_TO_MS = 2 * HOUR_MS

/** What programs, hosts, countries … did over a period. */
export class SummaryTable {
  readonly #db: DatabaseSync
  readonly #search: FlowSearch

  constructor(db: DatabaseSync, search: FlowSearch) {
    this.#db = db
    this.#search = search
  }

  /**
   * Most bytes first. Without a search and over hours: from the sums of each hour, so the period is taken to whole
   * hours. Else flow by flow, newest first, as far as time allows; `since` of the answer says how far.
   */
  ofPeriod(request: SummaryRequest): SummarySlice {
    const { since = 0, until = request.now, search } = request
    if (search === undefined && until - since > EXACT_UP_TO_MS) return this.#ofHours(request)
    return this.#ofFlows(request)
  }

  #ofHours({ kind, keys, since = 0, until, now, limit }: SummaryRequest): SummarySlice {
    const end = until ?? now
    const [from, to] = [Math.floor(since / HOUR_MS), Math.floor(end / HOUR_MS)]
    const ofKeys = keys === undefined ? '' : 'AND key IN (SELECT value FROM json_each($keys))'
    const rows = this.#db
      .prepare(
        `SELECT key, sum(flows) AS flows, sum(bytes_in) AS bytes_in, sum(bytes_out) AS bytes_out,
           min(first_at) AS first_at, max(last_at) AS last_at, count(*) OVER () AS total
         FROM (
           SELECT * FROM days WHERE kind = $kind AND period >= $firstDay AND period < $endDay ${ofKeys}
           UNION ALL SELECT * FROM hours WHERE kind = $kind AND period >= $from AND period < $morning ${ofKeys}
           UNION ALL SELECT * FROM hours WHERE kind = $kind AND period >= $evening AND period <= $to ${ofKeys}
         ) GROUP BY key ORDER BY sum(bytes_in) + sum(bytes_out) DESC, key LIMIT $limit`,
      )
      .all({
        kind: SUMMARY_KINDS.indexOf(kind),
        ...splitAtDays(from, to),
        limit: listed(limit),
        ...(keys && { keys: JSON.stringify(keys) }),
      })
    return {
      items: rows.map((row) => summaryOf(String(row['key']), row)),
      total: Number(rows[0]?.['total'] ?? 0),
      since: from * HOUR_MS,
      until: end,
      isComplete: true,
    }
  }

  #ofFlows({ kind, since = 0, until, search, now, limit }: SummaryRequest): SummarySlice {
    const end = until ?? now
    const plan = this.#search.plan(within(search, since, end), now)
    const { sums, stoppedBelow } = sumFlows(this.#db, this.#search, { plan, kind })
    const items = [...sums.values()].sort(byBytes).slice(0, listed(limit))
    const reached = stoppedBelow === undefined ? since : Math.max(since, timeOfKey(stoppedBelow))
    return { items, total: sums.size, since: reached, until: end, isComplete: stoppedBelow === undefined }
  }
}

const listed = (limit: number): number => Math.min(MAX_LISTED, Math.max(1, limit))

/** Whole days in the middle, and the hours before (until the morning) and after (from the evening). */
function splitAtDays(from: number, to: number) {
  const [firstDay, endDay] = [Math.ceil(from / 24), Math.floor((to + 1) / 24)]
  if (firstDay >= endDay) return { from, to, firstDay: 0, endDay: 0, morning: to + 1, evening: to + 1 }
  return { from, to, firstDay, endDay, morning: firstDay * 24, evening: endDay * 24 }
}

const byBytes = (a: Summary, b: Summary): number =>
  b.bytesIn + b.bytesOut - a.bytesIn - a.bytesOut || (a.key < b.key ? -1 : 1)

/** The same search, of flows that were opened within a period. */
function within(search: Search | undefined, from: number, to: number): Search {
  const term = (key: SearchKey, span: { readonly from?: number; readonly to?: number }): Term => ({
    key,
    isNot: false,
    anyOf: [{ kind: 'number', span }],
    at: 0,
    length: 0,
  })
  return { terms: [...(search?.terms ?? []), term('since', { from }), term('until', { to })] }
}
