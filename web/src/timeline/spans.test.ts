import { expect, test } from 'vitest'
import { cutOf, dragged, moved, SPANS } from './spans.ts'

const NOW = Date.UTC(2026, 10, 20, 14, 32, 6)
const cut = { since: 0, until: 1000, bucketMs: 100 }

test('a cut ends with the step that runs, so that its buckets do not move with each second', () => {
  const day = cutOf('day', NOW)
  expect(new Date(day.until).toISOString()).toBe('2026-11-20T14:45:00.000Z')
  expect(day.until - day.since).toBe(SPANS.day.ms)
  expect(cutOf('day', NOW + 60_000)).toEqual(day)
})

test('a drag marks whole buckets, in either direction, and at least one', () => {
  expect(dragged(0.25, 0.51, cut)).toEqual({ from: 200, to: 600 })
  expect(dragged(0.51, 0.25, cut)).toEqual({ from: 200, to: 600 })
  expect(dragged(0.3, 0.3, cut)).toEqual({ from: 300, to: 400 })
  expect(dragged(-4, 9, cut)).toEqual({ from: 0, to: 1000 })
})

test('arrow keys move an edge or the whole, never beyond the cut nor over each other', () => {
  const range = { from: 300, to: 500 }
  expect(moved(range, 'from', -1, cut)).toEqual({ from: 200, to: 500 })
  expect(moved(range, 'from', 9, cut)).toEqual({ from: 400, to: 500 })
  expect(moved(range, 'to', 99, cut)).toEqual({ from: 300, to: 1000 })
  expect(moved(range, 'both', -99, cut)).toEqual({ from: 0, to: 200 })
  expect(moved(range, 'both', 2, cut)).toEqual({ from: 500, to: 700 })
})
