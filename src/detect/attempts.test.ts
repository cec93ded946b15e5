import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Attempts, TRIES_PER_ROW } from './attempts.ts'
import { HostNotes } from './host-notes.ts'
import { WideSets } from './wide-sets.ts'

const WINDOW = 60_000

type Act = (attempts: Attempts, row: number, thing: number, now: number) => unknown
const ACTS = {
  begin: (attempts, row, thing, now) => attempts.begin(row, thing, now),
  refuse: (attempts, row, thing, now) => attempts.refuse(row, thing, now),
  answer: (attempts, row, thing) => attempts.answer(row, thing),
  tell: (attempts, row, _, now) => attempts.tell(row, 1, now),
  window: (attempts, row, _, now) => attempts.refusedWithin(row, 5000, now),
} satisfies Record<string, Act>

describe('attempts', () => {
  test('a row counts what failed, and forgives what was answered', () => {
    const attempts = new Attempts(16, WINDOW)
    const row = attempts.claim(1, 2, 0)
    for (const thing of [10, 11, 12]) attempts.begin(row, thing, 0)
    attempts.refuse(row, 10, 5)
    attempts.answer(row, 11)
    expect([attempts.failed[row], attempts.pending[row], attempts.answeredOf(row)]).toEqual([1, 1, 1])
    expect(attempts.refuse(row, 11, 6)).toBe(false)
    expect([
      attempts.silentWithin(row, 1000, WINDOW, 999),
      attempts.silentWithin(row, 1000, WINDOW, 1000),
    ]).toEqual([0, 1])
  })

  test('what is older than the window stops counting', () => {
    const attempts = new Attempts(16, WINDOW)
    const row = attempts.claim(1, 2, 0)
    attempts.refuse(row, 10, 0)
    attempts.refuse(row, 11, 50_000)
    expect(attempts.refusedWithin(row, 30_000, 60_000)).toBe(1)
    expect(attempts.failed[row]).toBe(1)
  })

  test('what was told counts once, until it is tried anew', () => {
    const attempts = new Attempts(16, WINDOW)
    const row = attempts.claim(1, 2, 0)
    attempts.refuse(row, 10, 0)
    attempts.tell(row, 1, 0)
    expect([attempts.failed[row], attempts.refuse(row, 10, 100), attempts.refuse(row, 10, 5000)]).toEqual([
      0,
      false,
      true,
    ])
  })

  test('keeps the newest things in their order, and after a report counts all of them', () => {
    const attempts = new Attempts(16, WINDOW)
    const row = attempts.claim(1, 2, 0)
    attempts.refuse(row, 0, 0)
    attempts.tell(row, 1, 0)
    for (let thing = 1; thing < 1000; thing++) attempts.refuse(row, thing, thing)
    expect(attempts.distinct(row)).toBe(1000)
    expect(attempts.things(row)).toEqual(Array.from({ length: TRIES_PER_ROW }, (_, at) => 936 + at))
  })

  test('a flood of keys pushes out its own kind, not evidence, and never a reported row', () => {
    const attempts = new Attempts(16, WINDOW)
    const evidence = attempts.claim(1, 1, 0)
    for (const thing of [1, 2, 3]) attempts.refuse(evidence, thing, 0)
    const told = attempts.claim(2, 2, 0)
    attempts.refuse(told, 1, 0)
    attempts.tell(told, 1, 0)
    for (let who = 100; who < 10_000; who++) attempts.begin(attempts.claim(who, 7, 1), 1, 1)
    expect([attempts.find(1, 1), attempts.find(2, 2)]).toEqual([evidence, told])
  })

  test('a stale row begins anew', () => {
    const attempts = new Attempts(16, WINDOW)
    attempts.refuse(attempts.claim(1, 2, 0), 10, 0)
    const row = attempts.claim(1, 2, WINDOW + 1)
    expect([attempts.failed[row], attempts.firstAt[row]]).toEqual([0, WINDOW + 1])
  })

  test('its counts stay true, whatever happens in whatever order', () => {
    const step = fc.record({
      act: fc.constantFrom(...(Object.keys(ACTS) as (keyof typeof ACTS)[])),
      who: fc.integer({ min: 0, max: 40 }),
      thing: fc.integer({ min: 0, max: 100 }),
      wait: fc.integer({ min: 0, max: 2000 }),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
        const attempts = new Attempts(16, WINDOW)
        let now = 0
        for (const { act, who, thing, wait } of steps) {
          now += wait
          const row = attempts.claim(who, 0, now)
          if (row < 0) continue
          ACTS[act](attempts, row, thing, now)
          expect(attempts.pending[row]).toBe(attempts.silentWithin(row, 0, Number.POSITIVE_INFINITY, now))
          expect(attempts.failed[row]).toBe(attempts.refusedWithin(row, Number.POSITIVE_INFINITY, now))
          expect(attempts.distinct(row)).toBeGreaterThanOrEqual(attempts.things(row).length)
        }
      }),
      { numRuns: 50 },
    )
  })
})

test('wide sets count each number once, and are lent and given back', () => {
  const sets = new WideSets(1)
  const set = sets.claim()
  for (const value of [1, 65_535, 1, 7]) sets.add(set, value)
  expect([sets.size(set), sets.claim()]).toEqual([3, -1])
  sets.free(set)
  expect(sets.size(sets.claim())).toBe(0)
})

test('a mark of a host that was forgotten names nobody, nor does its number inherit what it tried', () => {
  const notes = new HostNotes({ capacity: 1 << 19 } as ConstructorParameters<typeof HostNotes>[0])
  for (const thing of [1, 2, 3, 4]) notes.tries(5, thing)
  const mark = notes.markOf(5)
  expect([notes.hostOf(mark), notes.tries(5, 1)]).toEqual([5, true])
  notes.forget(5)
  expect([notes.hostOf(mark), notes.tries(5, 1), notes.hostOf(notes.markOf(5))]).toEqual([-1, false, 5])
})
