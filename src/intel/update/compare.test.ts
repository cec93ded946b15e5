import { expect, test } from 'vitest'
import { ip } from '#model/address.ts'
import { type Comparison, reasonToHold } from './compare.ts'
import { isStale, nextTryAt } from './schedule.ts'

const usual: Comparison = {
  before: 1_000,
  after: 1_100,
  maxShrink: 0.5,
  maxGrow: 3,
  talkedTo: [],
  allowed: [],
}
const held = (change: Partial<Comparison>): string | undefined => reasonToHold({ ...usual, ...change })

test('a usual change is taken', () => {
  expect([
    held({}),
    held({ after: 501 }),
    held({ after: 3_000 }),
    held({ before: 0, after: 50_000 }),
  ]).toEqual(new Array(4).fill(undefined))
})

test('what is empty, shrinks or grows beyond its bound waits for a person', () => {
  expect(held({ after: 0 })).toBe('it is empty, and had 1000 entries')
  expect(held({ before: 0, after: 0 })).toBe('it is empty')
  expect(held({ after: 499 })).toBe('it shrank from 1000 to 499 entries')
  expect(held({ after: 3_001 })).toBe('it grew from 1000 to 3001 entries')
  expect(held({ before: 10, after: 1 })).toBeUndefined()
})

test('what would block those you talk to, or who is allowed, waits for a person', () => {
  expect(held({ talkedTo: Array.from({ length: 7 }, (_, at) => ip(`198.51.100.${at}`)) })).toBe(
    'it would block whom you talked to this month: 198.51.100.0, 198.51.100.1, 198.51.100.2, 198.51.100.3, 198.51.100.4 and 2 more',
  )
  expect(held({ allowed: [ip('192.0.2.1')] })).toBe('it would block what the allow list names: 192.0.2.1')
})

test('a list that fails is asked ever later, and never sooner than its server wants', () => {
  const minutes = (failures: number, more: object = {}): number =>
    nextTryAt({ now: 0, everyHours: 6, failures, chance: 0, ...more }) / 60_000
  expect([0, 1, 2, 3, 8, 2_000].map((failures) => minutes(failures))).toEqual([360, 5, 10, 20, 360, 360])
  expect(minutes(1, { retryAfterSeconds: 3_600 })).toBe(60)
  expect(minutes(0, { chance: 1 })).toBe(396)
})

test('a list that missed its updates is stale', () => {
  const hour = 3_600_000
  expect([
    isStale(100 * hour, undefined, 1),
    isStale(24 * hour, 0, 1),
    isStale(25 * hour, 0, 1),
    isStale(72 * hour, 0, 24),
    isStale(73 * hour, 0, 24),
  ]).toEqual([false, false, true, false, true])
})
