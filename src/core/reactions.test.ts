import { expect, test } from 'vitest'
import { createReactions, preciseNow } from './reactions.ts'

test('knows the median and the slowest, and nothing before the first', () => {
  const reactions = createReactions()
  expect(reactions.percentile(0.5)).toBeUndefined()
  for (let ms = 1; ms <= 100; ms++) reactions.add(ms)
  expect([reactions.percentile(0.5), reactions.percentile(0.99)]).toEqual([51, 100])
})

test('leaves out what a changed clock made of it, and keeps the newest only', () => {
  const reactions = createReactions()
  reactions.add(-5)
  reactions.add(1e9)
  expect(reactions.count).toBe(0)
  for (let n = 0; n < 1_024; n++) reactions.add(9)
  for (let n = 0; n < 1_024; n++) reactions.add(1)
  expect(reactions.percentile(0.99)).toBe(1)
})

test('the precise clock agrees with the plain one', () => {
  expect(Math.abs(preciseNow() - Date.now())).toBeLessThanOrEqual(3)
})
