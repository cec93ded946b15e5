import type { Target } from '#model/address.ts'

const WINDOW_MS = 60_000

/** Grants at most so many different targets a minute; one that was granted within the window does not count twice. */
export interface Budget {
  grants(target: Target, at: number): boolean
}

/** `perMinute` bounds its memory too. Time is that of whoever asks, and goes forward. */
export function createBudget(perMinute: number): Budget {
  /** Target → when it was granted; oldest first. */
  const granted = new Map<Target, number>()
  return {
    grants(target, at) {
      for (const [old, grantedAt] of granted) {
        if (at - grantedAt < WINDOW_MS) break
        granted.delete(old)
      }
      if (granted.has(target)) return true
      if (granted.size >= perMinute) return false
      granted.set(target, at)
      return true
    },
  }
}
