import { expect, test } from 'vitest'
import { Rounds } from './rounds.ts'

test('goes round the table once per window, whatever the ticks', () => {
  const rounds = new Rounds(1000, 10_000)
  const visits = new Uint8Array(1000)
  rounds.advance(50_000)
  expect([rounds.start, rounds.end]).toEqual([0, 0])
  for (let now = 51_000; now <= 60_000; now += 1000) {
    rounds.advance(now)
    for (let at = rounds.start; at < rounds.end; at++) visits[at] = (visits[at] ?? 0) + 1
  }
  expect(visits.every((count) => count === 1)).toBe(true)
})

test('a clock that jumps makes one round at most', () => {
  const rounds = new Rounds(1000, 10_000)
  rounds.advance(0)
  rounds.advance(1e12)
  expect([rounds.start, rounds.end]).toEqual([0, 1000])
  rounds.advance(5)
  expect(rounds.end - rounds.start).toBe(0)
})
