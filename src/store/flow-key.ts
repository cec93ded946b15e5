/**
 * The row id of a flow: the millisecond in which it was first recorded, and its place after those of before. So
 * the table is in order of time, a period is a range of ids, and a cursor stays true while new flows come in.
 */
const SLOTS_PER_MS = 512
/** 2026-01-01: keeps ids below 2^47, six bytes in every index, until 2034; they go on to work after that. */
const EPOCH_MS = 1_767_225_600_000
/** Ids stay exact in a double whatever the clock says: about 550,000 years on either side. */
const MAX_MS = Number.MAX_SAFE_INTEGER / SLOTS_PER_MS - 1

/** The lowest id of a flow that was first recorded at `at` (milliseconds since the epoch) or later. */
export const firstKeyAt = (at: number): number =>
  Math.floor(Math.min(MAX_MS, Math.max(-MAX_MS, at - EPOCH_MS))) * SLOTS_PER_MS

/** The id after `last`: of now, or the very next one where many come at once or the clock was set back. */
export const keyAfter = (last: number, now: number): number => Math.max(last + 1, firstKeyAt(now))

/** When a flow with this id was recorded, at the earliest. */
export const timeOfKey = (key: number): number => Math.floor(key / SLOTS_PER_MS) + EPOCH_MS
