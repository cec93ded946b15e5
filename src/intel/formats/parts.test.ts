import { expect, test } from 'vitest'
import { csvCells } from './csv.ts'
import { timeOf } from './format.ts'
import { rangesBetween } from './ranges-between.ts'

test.each([
  ['a,b', ['a', 'b']],
  ['"a, b","c ""d""",', ['a, b', 'c "d"', '']],
  ['"a", "b" , c', ['a', 'b', 'c']],
  ['"never closed', ['never closed']],
])('cells of %s', (line, cells) => {
  expect(csvCells(line)).toEqual(cells)
})

test('spans become the fewest ranges', () => {
  expect(rangesBetween('0.0.0.0', '255.255.255.255')).toEqual(['0.0.0.0/0'])
  expect(rangesBetween('198.51.100.1', '198.51.100.1')).toEqual(['198.51.100.1/32'])
  expect(rangesBetween('255.255.255.254', '255.255.255.255')).toEqual(['255.255.255.254/31'])
  expect(rangesBetween('198.51.100.2', '198.51.100.1')).toBeUndefined()
})

test('times of all lists', () => {
  const noon = Date.UTC(2026, 10, 20, 12)
  expect(
    [
      '2026-11-20 12:00:00',
      '2026-11-20 12:00:00 UTC',
      '2026-11-20T12:00:00.000Z',
      noon / 1000,
      String(noon / 1000),
      '2026-11-20T13:00:00+01:00',
    ].map(timeOf),
  ).toEqual(new Array(6).fill(noon))
  expect(['soon', '', null, -1, '2026-13-40', {}].map(timeOf)).toEqual(new Array(6).fill(undefined))
})
