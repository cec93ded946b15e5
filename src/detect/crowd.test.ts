import { describe, expect, test } from 'vitest'
import { Crowd } from './crowd.ts'

describe('a crowd', () => {
  test.each([1, 5, 50, 1_000, 100_000])('of %i is counted within 20 %%', (size) => {
    const crowd = new Crowd(2)
    for (let member = 0; member < size; member++) crowd.add(1, member, 0x0a000000 + member * 7)
    expect(crowd.distinct(1)).toBeGreaterThanOrEqual(size * 0.8)
    expect(crowd.distinct(1)).toBeLessThanOrEqual(size * 1.2)
    expect(crowd.distinct(0)).toBe(0)
  })

  test('names who does most of it, among thousands who do little, and never too much', () => {
    const crowd = new Crowd(1)
    for (let at = 0; at < 10_000; at++) {
      crowd.add(0, at % 4 === 0 ? 7 : 1000 + at, at)
    }
    const [busiest, ...others] = crowd.busiest(0, 500)
    expect(busiest?.member).toBe(7)
    expect(busiest?.count).toBeGreaterThan(2_000)
    expect(busiest?.count).toBeLessThanOrEqual(2_500)
    expect(others).toEqual([])
  })

  test('is empty again when cleared', () => {
    const crowd = new Crowd(1)
    crowd.add(0, 3, 3)
    crowd.clear(0)
    expect([crowd.distinct(0), crowd.busiest(0, 1)]).toEqual([0, []])
  })
})
