import fc from 'fast-check'
import { expect, test } from 'vitest'
import { bucketsOf } from './row-buckets.ts'

const LIMITS = { leafRows: 2, places: 100_000 }

test('single numbers are told apart as they are', () => {
  const spans = [5, 9, 700].map((first, row) => ({ row, first, last: first }))
  expect(bucketsOf(spans, { ...LIMITS, rows: 3 })).toEqual({
    shift: 0,
    leaves: [
      { rows: [0, 1], spans: [5, 5, 9, 9] },
      { rows: [2], spans: [700, 700] },
    ],
  })
})

test('wide spans leave off as many last bits as it takes', () => {
  const spans = [{ row: 0, first: 1n << 64n, last: (1n << 65n) - 1n }]
  // 2^64 numbers in 1,024 buckets.
  expect(bucketsOf(spans, { ...LIMITS, rows: 1 })).toEqual({
    shift: 54,
    leaves: [{ rows: [0], spans: [1n << 64n, (1n << 65n) - 1n] }],
  })
})

test('each number leads to all rows that ask for it, also where spans of a row share a bucket', () => {
  const span = fc
    .tuple(fc.nat(60_000), fc.nat(4_000))
    .map(([first, length]) => ({ first, last: first + length }))
  const row = fc.array(span, { minLength: 1, maxLength: 4 }).map(apart)
  fc.assert(
    fc.property(fc.array(row, { minLength: 1, maxLength: 12 }), fc.array(fc.nat(65_000)), (rows, numbers) => {
      const spans = rows.flatMap((all, at) => all.map((one) => ({ row: at, ...one })))
      const { shift = 0, leaves = [] } = bucketsOf(spans, { ...LIMITS, rows: rows.length }) ?? {}
      for (const leaf of leaves)
        for (const edge of leaf.spans)
          expect((edge + 1) % 2 ** shift === 0 || edge % 2 ** shift === 0).toBe(true)
      for (const number of [...numbers, ...spans.flatMap(({ first, last }) => [first, last])]) {
        const asking = rows.flatMap((all, at) =>
          all.some(({ first, last }) => number >= first && number <= last) ? [at] : [],
        )
        const found = leaves.filter(({ spans: flat }) =>
          flat.some((first, at) => at % 2 === 0 && number >= first && number <= (flat[at + 1] as number)),
        )
        expect(found.length).toBeLessThanOrEqual(1)
        expect((found[0]?.rows ?? []).filter((at) => asking.includes(at))).toEqual(asking)
      }
    }),
  )
})

/** In order, and without those that share or touch another. */
function apart(spans: readonly { first: number; last: number }[]): { first: number; last: number }[] {
  const kept: { first: number; last: number }[] = []
  for (const span of spans.toSorted((a, b) => a.first - b.first))
    if (span.first > (kept.at(-1)?.last ?? -2) + 1) kept.push(span)
  return kept
}
