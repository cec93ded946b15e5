import { expect, test } from 'vitest'
import { everyKindOfFrame, runMutations } from '../../test/support/mutations.ts'

test('300,000 mutated packets go through the whole engine without a fault, the same way each time', () => {
  const frames = everyKindOfFrame()
  const run = runMutations(frames, 300_000, 42)
  expect(run.decoded).toBeGreaterThan(100_000)
  expect(run.flows).toBeGreaterThan(10_000)
  expect(runMutations(frames, 20_000, 7)).toEqual(runMutations(frames, 20_000, 7))
}, 30_000)
