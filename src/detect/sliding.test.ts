import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Sliding } from './sliding.ts'

test('counts what happened within the window, and forgets the rest', () => {
  const sliding = new Sliding(2, 8_000)
  for (const now of [1_000, 2_000, 2_100]) sliding.add(1, now)
  expect(sliding.within(1, 2_500)).toBe(3)
  expect(sliding.within(1, 9_500)).toBe(2)
  expect(sliding.within(1, 60_000)).toBe(0)
  expect(sliding.within(0, 2_500)).toBe(0)
})

test('never forgets what is younger than seven eighths of the window, nor keeps what is older than all of it', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 3_000 }), { maxLength: 60 }), (waits) => {
      const sliding = new Sliding(1, 8_000)
      const times: number[] = []
      let now = 1_000_000
      for (const wait of waits) {
        now += wait
        times.push(now)
        sliding.add(0, now)
      }
      const count = sliding.within(0, now)
      expect(count).toBeGreaterThanOrEqual(times.filter((time) => now - time < 7_000).length)
      expect(count).toBeLessThanOrEqual(times.filter((time) => now - time <= 8_000).length)
    }),
  )
})

test('a clock that was set back does not keep old counts', () => {
  const sliding = new Sliding(1, 8_000)
  sliding.add(0, 1_000_000)
  sliding.add(0, 500_000)
  expect(sliding.within(0, 500_000)).toBe(1)
})
