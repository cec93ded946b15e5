/** Hot: runs per flow of a suspicious host. Allocates nothing. */
import type { Attempts } from './attempts.ts'

/** From when on a row of attempts is worth a report. Counts of distinct things. */
export interface Limits {
  readonly refused: number
  readonly silent: number
  /** Without an answer so far, however young; at most TRIES_PER_ROW. */
  readonly pending: number
  readonly windowMs: number
  /** From when on a try without an answer counts as silent. */
  readonly silentMs: number
}

/** Which limit a row went over: `refused`, `silent` or `pending`. */
export const SPOKE = { nothing: 0, refused: 1, silent: 2, pending: 3 } as const

/** A row is reported again after 2, 4, 8 … seconds, at the latest after these. */
const REPEAT_FIRST_MS = 2_000
/** When it goes over a limit anew: a block that came to its end may not leave the host alone for long. */
const ANEW_LATEST_MS = 30_000
/** When it only grows. */
const GROWN_LATEST_MS = 600_000

/**
 * The limit that a row is over now, as in SPOKE. Refusals and silence add up: half of one and half of the other
 * is enough, and the larger share gives the name.
 */
export function spoke(attempts: Attempts, row: number, limits: Limits, now: number): number {
  const pending = attempts.pending[row] as number
  const failed = attempts.failed[row] as number
  if (failed * limits.silent + pending * limits.refused < limits.refused * limits.silent) return SPOKE.nothing
  if (!mayTell(attempts, row, ANEW_LATEST_MS, now)) return SPOKE.nothing

  const refused = attempts.refusedWithin(row, limits.windowMs, now) * limits.silent
  const silent = attempts.silentWithin(row, limits.silentMs, limits.windowMs, now) * limits.refused
  if (refused + silent >= limits.refused * limits.silent) {
    return refused >= silent ? SPOKE.refused : SPOKE.silent
  }
  return (attempts.pending[row] as number) >= limits.pending ? SPOKE.pending : SPOKE.nothing
}

/** True when a story that was told goes on: more was tried, and the last report is long enough ago. */
export function goesOn(attempts: Attempts, row: number, now: number): boolean {
  return (
    (attempts.timesTold[row] as number) > 0 &&
    attempts.distinct(row) > (attempts.toldCount[row] as number) &&
    mayTell(attempts, row, GROWN_LATEST_MS, now)
  )
}

function mayTell(attempts: Attempts, row: number, latestMs: number, now: number): boolean {
  const times = attempts.timesTold[row] as number
  if (times === 0) return true
  const waitMs = Math.min(latestMs, REPEAT_FIRST_MS * 2 ** (times - 1))
  return now - (attempts.toldAt[row] as number) >= waitMs
}
