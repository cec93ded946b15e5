import { expect, test } from 'vitest'
import { Mix } from './mix.ts'

/** How many of `hashes` fall together in one of 65,536 buckets by their low bits, at most. */
function fullest(hashes: readonly number[]): number {
  const buckets = new Map<number, number>()
  for (const hash of hashes) buckets.set(hash & 0xffff, (buckets.get(hash & 0xffff) ?? 0) + 1)
  return Math.max(...buckets.values())
}

const words = Array.from({ length: 65_536 }, (_, at) => at)

test.each([
  ['low bits', (word: number) => word],
  ['high bits', (word: number) => word << 16],
  ['scattered bits', (word: number) => Math.imul(word, 0x10001)],
])('spreads words that differ in %s alone, one word or four', (_name, shape) => {
  for (const seed of [0, 1, 0x7fffffff, -5]) {
    const mix = new Mix(seed)
    expect(fullest(words.map((word) => mix.one(shape(word))))).toBeLessThan(16)
    expect(fullest(words.map((word) => mix.four(1, shape(word), 3, 4)))).toBeLessThan(16)
    expect(fullest(words.map((word) => mix.four(1, 2, 3, shape(word))))).toBeLessThan(16)
  }
})

test('what collides under one seed does not under another', () => {
  const one = new Mix(1)
  const target = one.four(0, 0, 0, 0) & 0xffff
  const colliding = Array.from({ length: 2_000_000 }, (_, at) => at).filter(
    (at) => (one.four(at, 7, at >>> 3, 9) & 0xffff) === target,
  )
  expect(colliding.length).toBeGreaterThan(10)
  const other = new Mix(2)
  expect(fullest(colliding.map((at) => other.four(at, 7, at >>> 3, 9)))).toBeLessThan(4)
})

test('the same seed gives the same hash: captures replay exactly', () => {
  expect(new Mix(42).four(1, 2, 3, 4)).toBe(new Mix(42).four(1, 2, 3, 4))
})
