import { expect, test } from 'vitest'
import { createBacklog } from './backlog.ts'

const upTo = (count: number): number[] => Array.from({ length: count }, (_, at) => at)

test('things are seen in their order, and who sent them is told when all were', async () => {
  const seen: number[] = []
  const backlog = createBacklog<number>((things) => seen.push(...things), 20)
  const first = backlog.take(upTo(50))
  const second = backlog.take([50, 51])
  expect(seen).toEqual([])
  await first
  expect(seen).toEqual(upTo(50))
  await second
  expect(seen).toEqual(upTo(52))
})

test('what comes meanwhile waits for a slice, not for all', async () => {
  let seen = 0
  const backlog = createBacklog<number>((things) => {
    seen += things.length
  }, 20)
  const all = backlog.take(upTo(10_000))
  await new Promise<void>((resolve) => setImmediate(resolve))
  expect(seen).toBeGreaterThan(0)
  expect(seen).toBeLessThan(100)
  await all
  expect(seen).toBe(10_000)
})

test('nothing to see is done at once', async () => {
  const backlog = createBacklog<number>(() => expect.unreachable(), 20)
  await backlog.take([])
})

test('the end leaves nothing unseen', async () => {
  const seen: number[] = []
  const backlog = createBacklog<number>((things) => seen.push(...things), 20)
  const taken = backlog.take(upTo(70))
  backlog.finish()
  expect(seen).toEqual(upTo(70))
  await taken
})
