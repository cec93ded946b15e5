import type { TimelinePort } from '#api/timeline-port.ts'
import type { Timeline, TimelineEvent } from '#contract/timeline.ts'
import type { Store } from '#store/store.ts'
import type { KernelMinutes } from './kernel-minutes.ts'

const SECOND_MS = 1_000
const MINUTE_MS = 60 * SECOND_MS
const HOUR_MS = 60 * MINUTE_MS
const MOST_BUCKETS = 120
const STEPS_MS = [
  SECOND_MS,
  5 * SECOND_MS,
  15 * SECOND_MS,
  30 * SECOND_MS,
  MINUTE_MS,
  5 * MINUTE_MS,
  15 * MINUTE_MS,
  30 * MINUTE_MS,
  HOUR_MS,
  2 * HOUR_MS,
  6 * HOUR_MS,
  12 * HOUR_MS,
  24 * HOUR_MS,
] as const
const DAY_MS = 24 * HOUR_MS
const MOST_EVENTS = 200
const PAGE = 200
const MOST_PAGES = 20

export interface TimelineParts {
  readonly store: Pick<Store, 'timeline' | 'alerts' | 'decisions'>
  readonly minutes: Pick<KernelMinutes, 'counts'>
  readonly now: () => number
}

/** Tells what happened over a period: what the store keeps, and what the kernel counted since the start. */
export function createTimelineDesk({ store, minutes, now }: TimelineParts): TimelinePort {
  return {
    now,
    async of(since, until) {
      const wished = bucketFor(until - since)
      const { bucketMs, lanes, starts, firsts } = await store.timeline({ since, until, bucketMs: wished })
      const length = lanes[0]?.counts.length ?? Math.ceil((until - since) / bucketMs)
      const [alerts, decisions] = await Promise.all([
        within((cursor) => store.alerts(pageAt(cursor)), since, until),
        within((cursor) => store.decisions(pageAt(cursor)), since, until),
      ])
      const events: TimelineEvent[] = [
        ...starts.map(({ at, pid, program }) => ({ lane: 'exec' as const, at, pid, program })),
        ...firsts.map(({ at, program, peer }) => ({ lane: 'names' as const, at, program, peer })),
        ...alerts.map(({ id, at, severity, summary, subject }) => ({
          lane: 'alerts' as const,
          at,
          alert: { id, severity, summary, subject },
        })),
        ...decisions.map((decision) => ({ lane: 'decisions' as const, at: decision.at, decision })),
      ].sort((a, b) => b.at - a.at)
      return {
        since,
        until,
        bucketMs,
        lanes: [
          ...lanes.map((lane) => ({ ...lane, counts: [...lane.counts] })),
          { id: 'kernel', ...minutes.counts(since, bucketMs, length) },
        ],
        events: events.slice(0, MOST_EVENTS),
        hasMoreEvents: events.length > MOST_EVENTS,
      } satisfies Timeline
    },
  }
}

const pageAt = (cursor: string | undefined) => ({ limit: PAGE, ...(cursor !== undefined && { cursor }) })

/** The shortest bucket that makes no more of them than can be seen. */
function bucketFor(spanMs: number): number {
  return (
    STEPS_MS.find((step) => spanMs / step <= MOST_BUCKETS) ??
    Math.ceil(spanMs / MOST_BUCKETS / DAY_MS) * DAY_MS
  )
}

/** Walks pages, newest first, as far as the period reaches or enough were found. */
async function within<Item extends { readonly at: number }>(
  read: (cursor: string | undefined) => Promise<{ readonly items: readonly Item[]; readonly next?: string }>,
  since: number,
  until: number,
): Promise<Item[]> {
  const found: Item[] = []
  let cursor: string | undefined
  for (let pages = 0; pages < MOST_PAGES && found.length <= MOST_EVENTS; pages++) {
    const { items, next } = await read(cursor)
    found.push(...items.filter(({ at }) => at >= since && at < until))
    const last = items.at(-1)
    if (next === undefined || !last || last.at < since) break
    cursor = next
  }
  return found
}
