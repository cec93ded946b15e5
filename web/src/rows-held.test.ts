import { expect, test } from 'vitest'
import { rowsHeld } from './rows-held.ts'

interface Row {
  readonly id: string
  readonly count?: number
}

const rows = (ids: string): Row[] => [...ids].map((id) => ({ id }))
const idOf = ({ id }: Row): string => id
const idsOf = (all: readonly Row[] | undefined): string => (all ?? []).map(idOf).join('')

test('new rows wait above and between those that are read, and come at once below all of them', () => {
  const held = rowsHeld(rows('ca'), rows('dcba.'), { idOf })
  expect([idsOf(held?.items), held?.waiting]).toEqual(['ca.', 2])
})

test('rows keep their places, and show what is new of them', () => {
  const held = rowsHeld(rows('ba'), [{ id: 'a', count: 2 }, { id: 'b' }], { idOf })
  expect(held?.items).toEqual([{ id: 'b' }, { id: 'a', count: 2 }])
})

test('a row that is no more leaves, and is back in its place when it comes again', () => {
  const without = rowsHeld(rows('cba'), rows('ca'), { idOf })
  expect(idsOf(without?.items)).toBe('ca')
  expect(idsOf(rowsHeld(without?.held ?? [], rows('cba'), { idOf })?.items)).toBe('cba')
})

test('where what is over keeps its place, it is named, and counts among neither', () => {
  const held = rowsHeld(rows('cba'), rows('dca'), { idOf, keepsGone: true })
  expect([idsOf(held?.items), held?.waiting, [...(held?.gone ?? [])]]).toEqual(['cba', 1, ['b']])
  const over = rowsHeld(rows('ba'), rows('c'), { idOf, keepsGone: true })
  expect([idsOf(over?.items), over?.waiting]).toEqual(['ba', 1])
})

test('nothing is held where nothing is left', () => {
  expect(rowsHeld(rows('ba'), rows('c'), { idOf })).toBeUndefined()
  expect(rowsHeld([], rows('c'), { idOf, keepsGone: true })).toBeUndefined()
})
