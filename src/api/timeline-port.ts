import type { Timeline } from '#contract/timeline.ts'

/** What happened over a period, in lanes. Both ends in milliseconds since the epoch. */
export interface TimelinePort {
  now(): number
  of(since: number, until: number): Promise<Timeline>
}
