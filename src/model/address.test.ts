import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  contains,
  formatIpv4,
  formatIpv6,
  ip,
  ipBytes,
  ipFromBytes,
  overlaps,
  parseIp,
  parseTarget,
} from './address.ts'

describe('parseTarget', () => {
  test.each([
    ['192.0.2.7', '192.0.2.7'],
    ['192.0.2.7/24', '192.0.2.0/24'],
    ['192.0.2.7/32', '192.0.2.7'],
    ['0.0.0.0/0', '0.0.0.0/0'],
    ['2001:DB8::1', '2001:db8::1'],
    ['2001:db8:1:2:3::/64', '2001:db8:1:2::/64'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.7/128', '192.0.2.7'],
    ['::ffff:192.0.2.7/120', '192.0.2.0/24'],
    ['::ffff:0:0/96', '0.0.0.0/0'],
    ['::ffff:192.0.2.7/24', '::/24'],
    ['fe80::1%eth0', 'fe80::1'],
    ['fe80::1%eth0/64', 'fe80::/64'],
  ])('reads %s as %s', (text, target) => {
    expect(parseTarget(text)).toBe(target)
  })

  test.each([
    '',
    '192.0.2',
    '192.0.2.256',
    '192.0.2.1/33',
    '::ffff:192.0.2.1/129',
    '192.0.2.1/-1',
    '192.0.2.1/24/8',
    '010.1.1.1.1',
    'example.com',
    '3232235777',
  ])('refuses %j', (text) => {
    expect(parseTarget(text)).toBeUndefined()
  })
})

test('contains and overlaps know networks, and keep the families apart', () => {
  const net = parseTarget('10.0.0.0/8')
  const host = parseTarget('10.1.2.3')
  const other = parseTarget('2001:db8::/32')
  if (!net || !host || !other) throw new Error('test setup')
  expect([contains(net, host), contains(host, net), overlaps(host, net), overlaps(net, other)]).toEqual([
    true,
    false,
    true,
    false,
  ])
})

test('bytes and text are the same address', () => {
  fc.assert(
    fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (text) => {
      const address = parseIp(text)
      expect(address && ipFromBytes(ipBytes(address))).toBe(address)
    }),
  )
})

test('formats words as the kernel prints them', () => {
  expect(formatIpv4(0xc0a80101 | 0)).toBe(ip('192.168.1.1'))
  expect(formatIpv6(0x20010db8, 0, 0, 1)).toBe(ip('2001:db8::1'))
})
