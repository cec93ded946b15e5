import { expect, test } from 'vitest'
import type { Store, TimelineRequest } from '#store/store.ts'
import { aDecision, anAlert, NOON } from '../../test/support/remembered.ts'
import { createTimelineDesk } from './timeline-desk.ts'

const HOUR = 3_600_000

function desk(decisions: number) {
  const asked: TimelineRequest[] = []
  const all = Array.from({ length: decisions }, (_, at) =>
    aDecision(decisions - at, { at: NOON + decisions - at }),
  )
  const store: Pick<Store, 'timeline' | 'alerts' | 'decisions'> = {
    async timeline(request) {
      asked.push(request)
      return {
        bucketMs: request.bucketMs,
        lanes: [{ id: 'flows', counts: [1, 2], reachesTo: request.since }],
        starts: [{ at: NOON + 5, pid: 7, program: 'curl' }],
        firsts: [],
      }
    },
    alerts: async () => ({
      items: [anAlert(3, { at: NOON - 9 * HOUR }), anAlert(2, { at: NOON - 10 * HOUR })],
      total: 2,
    }),
    async decisions({ cursor, limit }) {
      const from = Number(cursor ?? 0)
      const items = all.slice(from, from + limit)
      const more = from + limit < all.length
      return { items, total: all.length, ...(more && { next: String(from + limit) }) }
    },
  }
  const minutes = { counts: (since: number) => ({ counts: [0, 4], reachesTo: since }) }
  return { asked, timeline: createTimelineDesk({ store, minutes, now: () => NOON + HOUR }) }
}

test('a period is cut into at most 120 buckets, and events of all lanes stand in order, newest first', async () => {
  const { asked, timeline } = desk(3)
  const told = await timeline.of(NOON - HOUR, NOON + HOUR)
  expect(asked[0]?.bucketMs).toBe(60_000)
  expect(told.lanes.map(({ id, counts }) => [id, counts])).toEqual([
    ['flows', [1, 2]],
    ['kernel', [0, 4]],
  ])
  // The alerts are of before.
  expect(told.events.map(({ lane, at }) => [lane, at - NOON])).toEqual([
    ['exec', 5],
    ['decisions', 3],
    ['decisions', 2],
    ['decisions', 1],
  ])
  expect(told.hasMoreEvents).toBe(false)
  await timeline.of(NOON - 300 * 24 * HOUR, NOON)
  expect(asked[1]?.bucketMs).toBe(3 * 24 * HOUR)
})

test('of more events than can be read the newest are told', async () => {
  const { events, hasMoreEvents } = await desk(900).timeline.of(NOON - HOUR, NOON + HOUR)
  expect([events.length, hasMoreEvents]).toEqual([200, true])
  expect(events[0]?.at).toBe(NOON + 900)
})
