import { expect, test } from 'vitest'
import type { RuleSimulation } from '../../../src/contract/rules.ts'
import { addSlice, noSimulation, slicesOf } from './simulation.ts'

const NOW = 1_000_000_000

test('a period is cut into equal parts, newest first, without a gap', () => {
  for (const hours of [1, 24, 720]) {
    const slices = slicesOf(NOW, hours)
    expect(slices[0]?.until).toBe(NOW)
    expect(slices.at(-1)?.since).toBeCloseTo(NOW - hours * 3_600_000, 3)
    for (const [at, slice] of slices.slice(1).entries()) expect(slice.until).toBe(slices[at]?.since)
  }
  expect(slicesOf(NOW, 720)).toHaveLength(24)
})

test('parts add up: the same difference is one, the most frequent first', () => {
  const difference = (host: string, flows: number) => ({
    ...{ program: 'lark', host, port: 443, protocol: 6, direction: 'outbound', bytes: flows * 10, flows },
    ...{ from: 'allow', to: 'deny', because: 'rule 1' },
  })
  const part = (since: number, ...differences: ReturnType<typeof difference>[]) =>
    ({ since, flows: 10, changed: 3, isPartial: false, differences }) as RuleSimulation
  const sum = [part(2, difference('a', 1), difference('b', 2)), part(1, difference('a', 3))].reduce(
    addSlice,
    noSimulation(NOW),
  )
  expect(sum).toMatchObject({ since: 1, flows: 20, changed: 6 })
  expect(sum.differences.map(({ host, flows, bytes }) => [host, flows, bytes])).toEqual([
    ['a', 4, 40],
    ['b', 2, 20],
  ])
})
