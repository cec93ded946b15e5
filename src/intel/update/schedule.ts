const HOUR_MS = 3_600_000
const FIRST_RETRY_MS = 5 * 60_000
const LAST_RETRY_MS = 24 * HOUR_MS
/** A list that missed so many of its updates is stale. */
const STALE_AFTER = 3
/** So that all the machines that were started together do not ask together. */
const JITTER = 0.1

export interface Tried {
  readonly now: number
  readonly everyHours: number
  /** In a row. */
  readonly failures: number
  readonly retryAfterSeconds?: number
  /** 0 to 1. */
  readonly chance: number
}

/** When to ask the next time: after its interval, or ever later while it fails; never sooner than the server asked for. */
export function nextTryAt({ now, everyHours, failures, retryAfterSeconds, chance }: Tried): number {
  const usual = everyHours * HOUR_MS
  const wait = failures === 0 ? usual : Math.min(usual, LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** (failures - 1))
  const asked = Math.min(LAST_RETRY_MS, (retryAfterSeconds ?? 0) * 1000)
  return Math.round(now + Math.max(wait * (1 + JITTER * chance), asked))
}

export const isStale = (now: number, updatedAt: number | undefined, everyHours: number): boolean =>
  updatedAt !== undefined && now - updatedAt > STALE_AFTER * Math.max(everyHours, 8) * HOUR_MS
