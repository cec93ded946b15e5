import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { overlaps, parseTarget, type Target } from '#model/address.ts'
import type { AllowEntry } from '#model/allow.ts'
import { createAllowList } from './allow-list.ts'

const target = (text: string): Target => {
  const parsed = parseTarget(text)
  if (parsed === undefined) throw new Error(`test setup: ${text}`)
  return parsed
}
const gateway: AllowEntry = { target: target('10.0.0.1'), source: 'gateway', note: 'default gateway of eth0' }
const office: AllowEntry = { target: target('192.0.2.0/24'), source: 'config', note: 'the office' }
const list = createAllowList([gateway, office])

test('an address that nobody named may be blocked', () => {
  expect(list.spares(target('198.51.100.7'))).toBeUndefined()
  expect(list.spares(target('2001:db8::7'))).toBeUndefined()
})

test('an address of an allowed range is spared', () => {
  expect(list.spares(target('192.0.2.200'))).toBe(office)
})

test('a range around an allowed address is spared, and the answer names that address', () => {
  expect(list.spares(target('10.0.0.0/8'))).toBe(gateway)
})

test('a range beside an allowed address may be blocked', () => {
  expect(list.spares(target('10.0.0.2/31'))).toBeUndefined()
})

test('everything at once is spared because of what it would cut off first', () => {
  expect(list.spares(target('0.0.0.0/0'))).toBe(gateway)
})

describe('an IPv6 address that stands for an allowed IPv4 one is spared too', () => {
  test.each([
    // As a forged packet bears it: its sockets would be those of IPv4 connections.
    ['::ffff:a00:1', gateway],
    ['64:ff9b::a00:1', gateway],
    ['64:ff9b::c000:200/120', office],
    ['64:ff9b::/96', gateway],
    ['::ffff:0:0/96', gateway],
    ['64:ff9b::a00:2', undefined],
    ['64:ff9a::a00:1', undefined],
    ['64:ff9b:0:0:0:1:a00:1', undefined],
  ])('%s', (text, entry) => {
    expect(list.spares(text as Target)).toBe(entry)
  })
})

describe('without any setting it spares', () => {
  const bare = createAllowList([])
  test.each([
    ['127.0.0.1', 'loopback'],
    ['127.255.255.254', 'loopback'],
    ['::1', 'loopback'],
    ['0.0.0.0', 'group'],
    ['::', 'group'],
    ['255.255.255.255', 'group'],
    ['224.0.0.251', 'group'],
    ['239.1.2.3', 'group'],
    ['ff02::1', 'group'],
    ['::/0', 'loopback'],
    ['::ffff:127.0.0.1', 'loopback'],
  ])('%s as %s', (text, source) => {
    expect(bare.spares(target(text))?.source).toBe(source)
  })
})

test('agrees with the meaning of overlap, whatever the two ranges', () => {
  const anyTarget = fc
    .tuple(fc.oneof(fc.ipV4(), fc.ipV6()), fc.integer({ min: 0, max: 128 }))
    .map(([address, bits]) => parseTarget(`${address}/${bits}`) ?? parseTarget(address))
    .filter((parsed) => parsed !== undefined)
  const bare = createAllowList([])
  fc.assert(
    fc.property(anyTarget, anyTarget, (allowed, asked) => {
      const entry: AllowEntry = { target: allowed, source: 'config', note: '' }
      const isSpared = createAllowList([entry]).spares(asked) !== undefined
      expect(isSpared).toBe(overlaps(allowed, asked) || bare.spares(asked) !== undefined)
    }),
  )
})
