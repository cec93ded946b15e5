import fc from 'fast-check'
import { expect, test } from 'vitest'
import { RecentMap } from './recent-map.ts'

test('keeps what is used, and forgets what was not used for long', () => {
  const map = new RecentMap<number, string>(8)
  map.set(0, 'used')
  for (let key = 1; key <= 100; key++) {
    map.set(key, 'once')
    expect(map.get(0)).toBe('used')
  }
  expect([map.get(50), map.get(100)]).toEqual([undefined, 'once'])
})

test('what is deleted is gone, the younger and the older', () => {
  const map = new RecentMap<string, number>(4)
  for (const key of ['a', 'b', 'c']) map.set(key, 1)
  map.delete('a')
  map.delete('c')
  expect([map.get('a'), map.get('b'), map.get('c')]).toEqual([undefined, 1, undefined])
})

test('never holds more than it may, and never a wrong value', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(30)), fc.integer({ min: 2, max: 12 }), (keys, capacity) => {
      const map = new RecentMap<number, string>(capacity)
      for (const key of keys) {
        expect([undefined, `is ${key}`]).toContain(map.get(key))
        map.set(key, `is ${key}`)
        expect(map.get(key)).toBe(`is ${key}`)
        expect(map.size).toBeLessThanOrEqual(capacity)
      }
    }),
  )
})
