const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS

/** How long a timeline is, and into what it is cut. */
export const SPANS = {
  hour: { ms: HOUR_MS, stepMs: MINUTE_MS / 2 },
  quarter: { ms: 6 * HOUR_MS, stepMs: 5 * MINUTE_MS },
  day: { ms: 24 * HOUR_MS, stepMs: 15 * MINUTE_MS },
  week: { ms: 168 * HOUR_MS, stepMs: 2 * HOUR_MS },
  month: { ms: 720 * HOUR_MS, stepMs: 12 * HOUR_MS },
} as const
export type Span = keyof typeof SPANS
export const SPAN_NAMES = Object.keys(SPANS) as Span[]

export interface Cut {
  readonly since: number
  readonly until: number
}

/** The last hour, day … up to the end of the step that runs: so buckets stay where they are while time goes on. */
export function cutOf(span: Span, now: number): Cut {
  const { ms, stepMs } = SPANS[span]
  const until = Math.ceil((now + 1) / stepMs) * stepMs
  return { since: until - ms, until }
}

/** Moves one edge, or the whole, by whole buckets; it stays within the cut and is never empty. */
export function moved(
  range: { readonly from: number; readonly to: number },
  edge: 'from' | 'to' | 'both',
  by: number,
  { since, until, bucketMs }: Cut & { readonly bucketMs: number },
): { readonly from: number; readonly to: number } {
  const step = by * bucketMs
  if (edge === 'from') {
    return { ...range, from: Math.max(since, Math.min(range.to - bucketMs, range.from + step)) }
  }
  if (edge === 'to')
    return { ...range, to: Math.min(until, Math.max(range.from + bucketMs, range.to + step)) }
  const most = step > 0 ? until - range.to : since - range.from
  const whole = step > 0 ? Math.min(step, most) : Math.max(step, most)
  return { from: range.from + whole, to: range.to + whole }
}

/** What lies between two places of a drag, as whole buckets. `x` and `otherX`: 0 to 1 over the cut. */
export function dragged(
  x: number,
  otherX: number,
  { since, until, bucketMs }: Cut & { readonly bucketMs: number },
) {
  const span = until - since
  const [low, high] = [Math.min(x, otherX), Math.max(x, otherX)].map(
    (at) => Math.min(1, Math.max(0, at)) * span,
  )
  const from = since + Math.floor((low ?? 0) / bucketMs) * bucketMs
  const to = since + Math.ceil((high ?? 0) / bucketMs) * bucketMs
  return { from, to: Math.min(until, Math.max(to, from + bucketMs)) }
}
