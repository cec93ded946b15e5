import { expect, test } from 'vitest'
import { createTurns } from './turns.ts'

test('work rests when its turn is over, and others get theirs', async () => {
  let now = 0
  const turns = createTurns(() => now, 5)
  let others = 0
  setImmediate(() => others++)
  expect(turns.rest()).toBeUndefined()
  now = 4.9
  expect(turns.rest()).toBeUndefined()
  now = 5
  await turns.rest()
  expect(others).toBe(1)
  expect(turns.rest()).toBeUndefined()
})
