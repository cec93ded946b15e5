import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { Restart } from './restart.ts'

let starts = 0
let restart: Restart

beforeEach(() => {
  vi.useFakeTimers()
  starts = 0
  restart = new Restart({ start: () => starts++, now: () => Date.now() })
  restart.began()
})

afterEach(() => {
  restart.stop()
  vi.useRealTimers()
})

/** It lives for a while, ends, and is started again; answers how long that took. */
function liveAndEnd(livedMs: number): number {
  restart.began()
  vi.advanceTimersByTime(livedMs)
  const waitMs = restart.ended()
  vi.advanceTimersByTime(waitMs)
  return waitMs
}

describe('what ends by itself', () => {
  test('is started again when the wait is over, not before', () => {
    expect(restart.ended()).toBe(500)
    vi.advanceTimersByTime(499)
    expect(starts).toBe(0)
    vi.advanceTimersByTime(1)
    expect(starts).toBe(1)
  })

  test('waits twice as long each time, at most a minute', () => {
    const waits = Array.from({ length: 9 }, () => liveAndEnd(10))
    expect(waits).toEqual([500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000])
    expect(starts).toBe(9)
  })

  test('is started quickly again once it has lived a minute', () => {
    expect([liveAndEnd(10), liveAndEnd(10), liveAndEnd(60_001)]).toEqual([500, 1_000, 500])
  })

  test('is started quickly again once it has proved itself', () => {
    liveAndEnd(10)
    restart.proved()
    expect(liveAndEnd(10)).toBe(500)
  })

  test('is started once, however often its end is told', () => {
    expect([restart.ended(), restart.ended()]).toEqual([500, 1_000])
    vi.advanceTimersByTime(5_000)
    expect(starts).toBe(1)
  })

  test('stays down after stop, before the end and after it', () => {
    restart.ended()
    restart.stop()
    restart.ended()
    vi.advanceTimersByTime(120_000)
    expect(starts).toBe(0)
  })
})
