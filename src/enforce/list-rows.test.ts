import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { ListedRows } from '#model/blocked-list.ts'
import { elementsOf } from './list-rows.ts'

const NOW = Date.UTC(2026, 10, 20)
const SECOND = NOW / 1000

/** Rows of IPv4 by start and then from wide to narrow; each is told by its start, its bits, the row around it, its end. */
function rowsOf(
  rows: readonly (readonly [start: number, bits: number, around?: number, until?: number])[],
): ListedRows {
  return {
    starts: [Uint32Array.from(rows, ([start]) => start)],
    bits: Uint8Array.from(rows, ([, bits]) => bits),
    parents: Uint32Array.from(rows, ([, , around = -1]) => around + 1),
    facts: { until: Uint32Array.from(rows, ([, , , until = 0]) => until) },
  }
}

const told = (rows: ListedRows, kind: 'address' | 'range', size = 100) =>
  [...elementsOf(rows, kind, { now: NOW, size })]
    .flat()
    .map(({ key, end, timeoutMs }) => [
      key.join('.'),
      ...(end ? [end.join('.')] : []),
      ...(timeoutMs === undefined ? [] : [timeoutMs]),
    ])

test('addresses and ranges come apart, and a range ends where the next address begins', () => {
  const rows = rowsOf([
    [0x0a000000, 8],
    [0x0b000001, 32],
    [0x0b0000f0, 28],
    [0x0bffff00, 24],
    [0xffffff00, 24],
  ])
  expect(told(rows, 'address')).toEqual([['11.0.0.1']])
  expect(told(rows, 'range')).toEqual([
    ['10.0.0.0', '11.0.0.0'],
    ['11.0.0.240', '11.0.1.0'],
    ['11.255.255.0', '12.0.0.0'],
    ['255.255.255.0'],
  ])
})

test('what lies in another row that holds is left out, and counts again when that one is over', () => {
  expect(
    told(
      rowsOf([
        [0x0a000000, 8],
        [0x0a000001, 32, 0],
      ]),
      'address',
    ),
  ).toEqual([])
  expect(
    told(
      rowsOf([
        [0x0a000000, 8, -1, SECOND - 1],
        [0x0a000001, 32, 0],
      ]),
      'address',
    ),
  ).toEqual([['10.0.0.1']])
})

test('an entry stays as long as its list says', () => {
  expect(told(rowsOf([[0x0a000001, 32, -1, SECOND + 60]]), 'address')).toEqual([['10.0.0.1', 60_000]])
})

test('IPv6 is cut at any bit', () => {
  const rows: ListedRows = {
    starts: [0x20010db8, 0, 0, 0].map((word) => Uint32Array.of(word)),
    bits: Uint8Array.of(45),
    facts: {},
  }
  const [[element] = []] = elementsOf(rows, 'range', { now: NOW, size: 10 })
  expect(Buffer.from(element?.end ?? []).toString('hex')).toBe('20010db8000800000000000000000000')
})

test('of many so many come at once, and none is lost', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 500 }), fc.integer({ min: 1, max: 60 }), (count, size) => {
      const rows = rowsOf(Array.from({ length: count }, (_, at) => [0x0a000000 + at, 32] as const))
      const parts = [...elementsOf(rows, 'address', { now: NOW, size })]
      expect(parts.every(({ length }) => length <= size)).toBe(true)
      expect(new Set(parts.flat().map(({ key }) => key.join('.'))).size).toBe(count)
    }),
  )
})
