import fc from 'fast-check'
import { expect, test } from 'vitest'
import { MOST_PROBES, SlotIndex } from './slot-index.ts'

/** The ids that a look-up of `hash` may come to. */
function candidates(index: SlotIndex, hash: number): number[] {
  const found: number[] = []
  let want = hash & index.tagMask
  for (let probes = 0; probes < MOST_PROBES; probes++, want += index.step) {
    const word = index.slots[(hash + probes) & index.mask] as number
    if (word === 0) break
    if ((word & ~index.idMask) === want) found.push((word & index.idMask) - 1)
  }
  return found
}

test('finds exactly what is in it, whatever was added and removed, also when homes collide', () => {
  const steps = fc.array(
    fc.record({ id: fc.nat(49), hash: fc.oneof(fc.integer(), fc.nat(8), fc.constant(-1)) }),
    {
      maxLength: 200,
    },
  )
  fc.assert(
    fc.property(steps, (list) => {
      const index = new SlotIndex(50)
      const hashOf = new Map<number, number>()
      for (const { id, hash } of list) {
        const known = hashOf.get(id)
        if (known === undefined) {
          expect(index.insert(hash, id)).toBe(true)
          hashOf.set(id, hash)
        } else {
          index.remove(known, id)
          hashOf.delete(id)
        }
        for (const [there, itsHash] of hashOf) expect(candidates(index, itsHash)).toContain(there)
        expect(index.slots.filter((word) => word !== 0)).toHaveLength(hashOf.size)
      }
    }),
  )
})

test('refuses when one neighbourhood is too crowded: a look-up stays short', () => {
  const index = new SlotIndex(1000)
  const added = Array.from({ length: 200 }, (_, id) => index.insert(7, id))
  expect(added.filter(Boolean)).toHaveLength(MOST_PROBES)
  expect(candidates(index, 7)).toHaveLength(MOST_PROBES)
})

test('to remove what is not there changes nothing', () => {
  const index = new SlotIndex(10)
  index.insert(3, 1)
  index.remove(3, 2)
  expect(candidates(index, 3)).toEqual([1])
})

test('says so when it is asked for more than a slot can number', () => {
  expect(() => new SlotIndex(1 << 24)).toThrow(RangeError)
})
