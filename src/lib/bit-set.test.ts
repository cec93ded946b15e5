import fc from 'fast-check'
import { expect, test } from 'vitest'
import { BitSet } from './bit-set.ts'

test('is a set, whatever is added and taken away', () => {
  const steps = fc.array(fc.record({ member: fc.nat(69), add: fc.boolean(), from: fc.nat(69) }))
  fc.assert(
    fc.property(steps, (list) => {
      const bits = new BitSet(70)
      const set = new Set<number>()
      for (const { member, add, from } of list) {
        if (add) {
          bits.add(member)
          set.add(member)
        } else {
          bits.delete(member)
          set.delete(member)
        }
        const round = Array.from({ length: 70 }, (_, step) => (from + step) % 70)
        expect(bits.nextMissing(from)).toBe(round.find((number) => !set.has(number)) ?? -1)
        expect(bits.nextMember(from)).toBe(round.find((number) => set.has(number)) ?? -1)
        expect([bits.count, bits.has(member)]).toEqual([set.size, add])
      }
      const drained: number[] = []
      bits.drain((member) => void drained.push(member))
      expect(drained).toEqual([...set].sort((a, b) => a - b))
      expect(bits.count).toBe(0)
    }),
  )
})

test('a full set misses nothing', () => {
  const bits = new BitSet(33)
  for (let member = 0; member < 33; member++) bits.add(member)
  expect(bits.nextMissing(5)).toBe(-1)
  bits.delete(4)
  expect(bits.nextMissing(5)).toBe(4)
})
