/**
 * The row id of a flow: the millisecond in which it was opened, and its place within that millisecond. So the
 * table is in order of time, a period is a range of ids, and a cursor stays true while new flows come in.
 */
const SLOTS_PER_MS = 512
/** 2026-01-01: keeps ids below 2^47, six bytes in every index, until 2034; they go on to work after that. */
const EPOCH_MS = 1_767_225_600_000
/** Ids stay exact in a double whatever time a packet claims: about 550,000 years on either side. */
const MAX_MS = Number.MAX_SAFE_INTEGER / SLOTS_PER_MS - 1

/** The lowest id of a flow that was opened at `at` (milliseconds since the epoch) or later. */
export const firstKeyAt = (at: number): number =>
  Math.floor(Math.min(MAX_MS, Math.max(-MAX_MS, at - EPOCH_MS))) * SLOTS_PER_MS

/** Gives out ids. Most are free at the first try; a flood takes those of the milliseconds after. */
export function createKeySource(): { next(openedAt: number, attempt: number): number } {
  let turn = 0
  return {
    next(openedAt, attempt) {
      turn = (turn + 1) % SLOTS_PER_MS
      return firstKeyAt(openedAt) + turn + attempt * attempt * SLOTS_PER_MS
    },
  }
}

/** How often a taken id is tried again, ever further on, before a flow is given up and counted. */
export const KEY_ATTEMPTS = 24
