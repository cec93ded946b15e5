import type { SummaryList } from '../../../src/contract/views.ts'
import { ask } from '../api.ts'
import type { By } from './sums.ts'

export const PERIODS = ['now', 'day', 'week', 'month'] as const
export type Period = (typeof PERIODS)[number]

const HOUR_MS = 3_600_000
const LENGTHS_MS = { day: 24 * HOUR_MS, week: 168 * HOUR_MS, month: 720 * HOUR_MS }
const MOST_ROWS = 500

export const lengthOf = (period: Exclude<Period, 'now'>): number => LENGTHS_MS[period]

/** Reads the sums of a period; `since` in milliseconds since the epoch. */
export function readSums(
  by: By | 'country',
  since: number,
  query = '',
  until?: number,
): Promise<SummaryList> {
  const asked = new URLSearchParams({ by, since: String(Math.floor(since)), limit: String(MOST_ROWS) })
  if (until !== undefined) asked.set('until', String(Math.floor(until)))
  if (query !== '') asked.set('q', query)
  return ask<SummaryList>('GET', `summaries?${asked}`)
}
