/** A span for people: `0.13 s`, `42 s`, `12 min`. */
export function duration(milliseconds: number): string {
  const seconds = milliseconds / 1000
  if (seconds < 0.01) return `${Math.max(1, Math.round(milliseconds))} ms`
  if (seconds < 10) return `${Math.round(seconds * 100) / 100} s`
  return seconds < 120 ? `${Math.round(seconds)} s` : `${Math.round(seconds / 60)} min`
}

/** Tries per second, one decimal; within a millisecond it counts as a millisecond. */
export const rateOf = (count: number, milliseconds: number): number =>
  Math.round((count / Math.max(1, milliseconds)) * 10_000) / 10
