import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  packAddresses,
  packCodes,
  packIds,
  packNumbers,
  unpackAddresses,
  unpackCodes,
  unpackIds,
  unpackNumbers,
} from './packing.ts'

test('codes of any width come back as they were, as many as there were', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(1, 3, 15, 200, 60_000),
      fc.array(fc.nat(), { maxLength: 70 }),
      (highest, any) => {
        const codes = any.map((code) => code % (highest + 1))
        expect([...unpackCodes(packCodes(codes, highest), highest)]).toEqual(codes)
      },
    ),
  )
})

test('sixteen values take half a byte each', () => {
  expect(packCodes(new Array(1000).fill(15), 15)).toHaveLength(501)
})

test('rising ids come back, however far they are apart, and take a byte where they are near', () => {
  fc.assert(
    fc.property(fc.integer({ min: -1e12, max: 1e12 }), fc.array(fc.nat(2 ** 45)), (first, steps) => {
      let id = first
      const ids = steps.map((step) => (id += step))
      expect(unpackIds(packIds(ids, first), first)).toEqual(ids)
    }),
  )
  expect(packIds([7, 8, 100], 7)).toHaveLength(3)
})

test('numbers and addresses of both lengths come back', () => {
  expect([...unpackNumbers(packNumbers([0, 0xffff_ffff, 7]))]).toEqual([0, 0xffff_ffff, 7])
  const addresses = [Uint8Array.of(1, 2, 3, 4), new Uint8Array(4), new Uint8Array(16).fill(9)]
  expect(unpackAddresses(packAddresses(addresses)).map((one) => [...one])).toEqual(
    addresses.map((one) => [...one]),
  )
})
