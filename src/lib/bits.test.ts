import { expect, test } from 'vitest'
import { bitsOf } from './bits.ts'

test('bits are counted, the highest too', () => {
  expect([0, 1, 0b1011, 0x80000000, -1, 0xffffffff].map(bitsOf)).toEqual([0, 1, 3, 1, 32, 32])
})
