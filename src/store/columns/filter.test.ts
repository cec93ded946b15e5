import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Row } from '../rows.ts'
import { FILTER_PARTS, filterOf, keyOf, mayHold, partOf } from './filter.ts'
import { communityKey, KeyWriter, numberKey, rangeKeys } from './filter-keys.ts'

const keyOfNumber = (number: number): number => numberKey('name', number)

test('a filter holds every key that was put in, and denies nearly all others', () => {
  const keys = Array.from({ length: 2000 }, (_, at) => keyOfNumber(at))
  const filter = filterOf(keys)
  expect(keys.every((key) => mayHold(filter, key))).toBe(true)
  const others = Array.from({ length: 20_000 }, (_, at) => keyOfNumber(10_000 + at))
  expect(others.filter((key) => mayHold(filter, key)).length).toBeLessThan(20_000 * 0.03)
  expect(mayHold(filterOf([]), keyOfNumber(1))).toBe(false)
})

test('keys are whole numbers that stay exact, and every part has its share of them', () => {
  const counts = new Array<number>(FILTER_PARTS).fill(0)
  const keys = Array.from({ length: 51_200 }, (_, at) => keyOf(1, Buffer.from(`${at}`)))
  expect(keys.every((key) => Number.isSafeInteger(key))).toBe(true)
  for (const key of keys) counts[partOf(key)] = (counts[partOf(key)] ?? 0) + 1
  expect(Math.min(...counts)).toBeGreaterThan(100)
  expect(Math.max(...counts)).toBeLessThan(350)
})

const byte = fc.integer({ min: 0, max: 255 })
const address = fc
  .constantFrom(4, 16)
  .chain((length) => fc.array(byte, { minLength: length, maxLength: length }))
  .map((bytes) => Uint8Array.from(bytes))

const rowOf = (source: Uint8Array, target: Uint8Array, direction: number): Row =>
  ({ source, target, direction, community_id: 'odd', name: null, asn: 7 }) as Row

test('a range is found by its keys wherever an address in it was seen, also at its ends', () => {
  fc.assert(
    fc.property(address, fc.array(byte, { maxLength: 16 }), fc.boolean(), (seen, spread, isInbound) => {
      const writer = new KeyWriter()
      writer.add(rowOf(seen, new Uint8Array(4), isInbound ? 0 : 1))
      const low = seen.map((value, at) => Math.max(0, value - (spread[at] ?? 0)))
      const high = seen.map((value, at) => Math.min(255, value + (spread[at] ?? 0)))
      for (const range of [
        { low: seen, high: seen },
        { low, high },
        { low: seen, high },
        { low, high: seen },
        { low: new Uint8Array(seen.length), high: new Uint8Array(seen.length).fill(255) },
      ]) {
        const keys = rangeKeys('source', range, [isInbound])
        expect(keys.length).toBeGreaterThan(0)
        expect(keys.length).toBeLessThanOrEqual(8)
        expect(keys.some((key) => writer.has(key))).toBe(true)
      }
    }),
    { numRuns: 300 },
  )
})

test('an address is no key of the other side, the other direction or the other length', () => {
  const seen = Uint8Array.of(10, 0, 0, 1)
  const writer = new KeyWriter()
  writer.add(rowOf(seen, Uint8Array.of(192, 0, 2, 1), 0))
  const has = (keys: readonly number[]): boolean => keys.some((key) => writer.has(key))
  const one = { low: seen, high: seen }
  expect(has(rangeKeys('source', one, [true]))).toBe(true)
  expect(has(rangeKeys('source', one, [false]))).toBe(false)
  expect(has(rangeKeys('target', one, [true, false]))).toBe(false)
  const all = { low: new Uint8Array(16), high: new Uint8Array(16).fill(255) }
  expect(has(rangeKeys('source', all, [true, false]))).toBe(false)
  const other = Uint8Array.of(10, 0, 1, 1)
  expect(has(rangeKeys('source', { low: other, high: other }, [true]))).toBe(false)
  expect(has([communityKey('odd')])).toBe(true)
  expect(has([communityKey('other'), numberKey('name', 7)])).toBe(false)
  expect(has([numberKey('asn', 7)])).toBe(true)
})
