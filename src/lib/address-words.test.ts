import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Ip, ipBytes, parseIp } from '#model/address.ts'
import { readWords } from './address-words.ts'

const wordsOf = (address: Ip): number[] => {
  const bytes = ipBytes(address)
  const view = new DataView(bytes.buffer)
  return [0, 4, 8, 12].map((at) => (at < bytes.length ? view.getUint32(at) : 0))
}

test('reads what the slow parser reads', () => {
  fc.assert(
    fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (text) => {
      const address = parseIp(text) as Ip
      const words = new Uint32Array(4).fill(7)
      expect(readWords(address, words)).toBe(address.includes(':'))
      expect([...words]).toEqual(wordsOf(address))
    }),
    { numRuns: 2_000 },
  )
})

test('never throws, whatever the text', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...'0123456789abcdef:.%x') }), (text) => {
      readWords(text as Ip, new Uint32Array(4))
    }),
  )
})
