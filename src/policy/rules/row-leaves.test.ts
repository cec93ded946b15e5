import fc from 'fast-check'
import { expect, test } from 'vitest'
import { leavesOf, type RowSpan } from './row-leaves.ts'

const LIMITS = { leafRows: 3, places: 1_000 }

test('rows side by side share a leaf until it is full', () => {
  const spans = [0, 10, 20, 30].map((first, row) => ({ row, first, last: first + 4 }))
  expect(leavesOf(spans, 1, LIMITS)).toEqual([
    { rows: [0, 1, 2], spans: [0, 4, 10, 14, 20, 24] },
    { rows: [3], spans: [30, 34] },
  ])
})

test('a row stands in each leaf that it reaches into', () => {
  const spans = [
    { row: 0, first: 0n, last: 99n },
    ...[10n, 30n, 50n, 70n].map((at, row) => ({ row: row + 1, first: at, last: at })),
  ]
  expect(leavesOf(spans, 1n, LIMITS)).toEqual([
    { rows: [0, 1, 2], spans: [0n, 49n] },
    { rows: [0, 3, 4], spans: [50n, 99n] },
  ])
})

test('rows that overlap too much take too many places', () => {
  const spans = Array.from({ length: 20 }, (_, row) => ({ row, first: row, last: 100 + row }))
  expect(leavesOf(spans, 1, { leafRows: 3, places: 60 })).toBeUndefined()
})

test('each number leads to a leaf with all rows that ask for it, in their order, and none that nobody asks for leads anywhere', () => {
  const span = fc.tuple(fc.nat(60), fc.nat(12)).map(([first, length]) => ({ first, last: first + length }))
  fc.assert(
    fc.property(fc.array(span, { maxLength: 25 }), fc.integer({ min: 1, max: 6 }), (rows, leafRows) => {
      const spans: RowSpan<number>[] = rows.map((one, row) => ({ row, ...one }))
      const leaves = leavesOf(spans, 1, { leafRows, places: 100_000 }) ?? []
      for (let number = 0; number <= 80; number++) {
        const asking = rows.flatMap(({ first, last }, row) =>
          number >= first && number <= last ? [row] : [],
        )
        const [leaf, ...more] = leaves.filter((one) => holds(one.spans, number))
        expect(more).toEqual([])
        expect(leaf !== undefined).toBe(asking.length > 0)
        if (leaf) expect(leaf.rows.filter((row) => asking.includes(row))).toEqual(asking)
      }
    }),
  )
})

const holds = (flat: readonly number[], value: number): boolean =>
  flat.some((first, at) => at % 2 === 0 && value >= first && value <= (flat[at + 1] as number))
