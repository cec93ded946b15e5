import fc from 'fast-check'
import { expect, test } from 'vitest'
import { without } from './spans.ts'

test('what is taken out leaves what is before, between and behind it', () => {
  expect(without([0, 9, 20, 29], [3, 4, 8, 22], 1)).toEqual([0, 2, 5, 7, 23, 29])
  expect(without([0n, 9n], [], 1n)).toEqual([0n, 9n])
  expect(without([5, 6], [0, 10], 1)).toEqual([])
})

test('each value is in what is left if it was in the one and not in the other', () => {
  const spans = fc
    .uniqueArray(fc.integer({ min: 0, max: 60 }), { maxLength: 12 })
    .map((values) => flatOf(new Set(values)))
  fc.assert(
    fc.property(spans, spans, (all, some) => {
      const left = without(all, some, 1)
      for (let value = 0; value <= 60; value++)
        expect(holds(left, value)).toBe(holds(all, value) && !holds(some, value))
    }),
  )
})

function flatOf(values: ReadonlySet<number>): number[] {
  const flat: number[] = []
  for (let value = 0; value <= 60; value++) {
    if (values.has(value) && !values.has(value - 1)) flat.push(value)
    if (values.has(value) && !values.has(value + 1)) flat.push(value)
  }
  return flat
}

const holds = (flat: readonly number[], value: number): boolean =>
  flat.some((first, at) => at % 2 === 0 && value >= first && value <= (flat[at + 1] as number))
