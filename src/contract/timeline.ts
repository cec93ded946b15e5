import { z } from '@hono/zod-openapi'
import { Alert, Decision } from './schemas.ts'

const time = z.number().openapi({ description: 'Milliseconds since the epoch' })
const count = z.number().int().nonnegative()

export const TIMELINE_LANES = ['exec', 'names', 'flows', 'alerts', 'decisions', 'kernel'] as const

const TimelineLane = z
  .object({
    id: z.enum(TIMELINE_LANES),
    counts: z.array(count).openapi({
      description:
        'By bucket: processes that started and talked, names talked to, flows, alerts, decisions, packets the kernel turned away or lost',
    }),
    reachesTo: time.openapi({ description: 'Before this nothing was counted: no time, or not kept' }),
  })
  .openapi('TimelineLane')

/** Something that happened, in one lane. What it is made of depends on the lane. */
const TimelineEvent = z
  .object({
    lane: z.enum(TIMELINE_LANES),
    at: time,
    program: z.string().optional(),
    pid: count.optional(),
    peer: z
      .string()
      .optional()
      .openapi({ description: 'Host that the program talked to for the first time' }),
    alert: Alert.pick({ id: true, severity: true, summary: true, subject: true }).optional(),
    decision: Decision.optional(),
  })
  .openapi('TimelineEvent')

export const Timeline = z
  .object({
    since: time,
    until: time,
    /** Milliseconds. */
    bucketMs: z.number(),
    lanes: z.array(TimelineLane),
    /** Newest first, a bounded number. */
    events: z.array(TimelineEvent),
    hasMoreEvents: z.boolean(),
  })
  .openapi('Timeline')

export type TimelineLaneId = (typeof TIMELINE_LANES)[number]
export type TimelineEvent = z.infer<typeof TimelineEvent>
export type Timeline = z.infer<typeof Timeline>
