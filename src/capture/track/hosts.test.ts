import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ip, ipBytes } from '#model/address.ts'
import { HostTable } from './hosts.ts'

const SECOND = 1000

/** A table, the addresses it forgot, and a way to intern text. */
function table(capacity: number, idleMs = 60_000) {
  const forgotten: string[] = []
  const hosts: HostTable = new HostTable(
    capacity,
    7,
    idleMs,
    (host) => void forgotten.push(hosts.address(host)),
  )
  const intern = (text: string): number => {
    const bytes = ipBytes(ip(text))
    const view = new DataView(bytes.buffer, bytes.byteOffset)
    if (bytes.length === 4) return hosts.internV4(view.getInt32(0))
    return hosts.internV6(view.getInt32(0), view.getInt32(4), view.getInt32(8), view.getInt32(12))
  }
  return { hosts, forgotten, intern }
}

test('an address is one number, and the number is that address', () => {
  const { hosts, intern } = table(100)
  const texts = ['192.0.2.1', '255.255.255.254', '0.0.0.0', '2001:db8::1', '::', 'fe80::ff:1']
  const ids = texts.map(intern)
  expect(ids.map((host) => hosts.address(host))).toEqual(texts)
  expect(texts.map(intern)).toEqual(ids)
  expect(hosts.count).toBe(6)
})

test('IPv4 and IPv6 addresses of equal words are different hosts', () => {
  const { hosts, intern } = table(10)
  const [four, six] = [intern('32.1.13.184'), intern('2001:db8::')]
  expect([four === six, hosts.isIpv6(four), hosts.isIpv6(six)]).toEqual([false, false, true])
  expect(hosts.word(four, 0)).toBe(hosts.word(six, 0))
})

test.each([
  ['224.0.0.1', true],
  ['239.255.255.250', true],
  ['255.255.255.255', true],
  ['240.0.0.1', false],
  ['192.0.2.255', false],
  ['ff02::1', true],
  ['fe80::1', false],
])('%s is a group address: %s', (text, isGroup) => {
  const { hosts, intern } = table(4)
  expect(hosts.isGroup(intern(text))).toBe(isGroup)
})

describe('forgetting', () => {
  test('the idle are forgotten after their time, those that flows refer to are not', () => {
    const { hosts, forgotten, intern } = table(10, 60 * SECOND)
    hosts.tick(0)
    hosts.retain(intern('192.0.2.1'))
    intern('192.0.2.2')
    hosts.tick(60 * SECOND)
    intern('192.0.2.3')
    expect(forgotten).toEqual([])
    hosts.tick(61 * SECOND)
    expect(forgotten).toEqual(['192.0.2.2'])
    hosts.release(0)
    hosts.tick(123 * SECOND)
    expect([forgotten.toSorted(), hosts.count]).toEqual([['192.0.2.1', '192.0.2.2', '192.0.2.3'], 0])
  })

  test('a number is used again only after it was forgotten', () => {
    const { hosts, forgotten, intern } = table(2)
    const first = intern('192.0.2.1')
    intern('192.0.2.2')
    expect(intern('192.0.2.3')).toBe(first)
    expect([forgotten, hosts.address(first)]).toEqual([['192.0.2.1'], '192.0.2.3'])
  })

  test('when flows refer to all, the new one is refused and counted', () => {
    const { hosts, forgotten, intern } = table(2)
    for (const text of ['192.0.2.1', '192.0.2.2']) hosts.retain(intern(text))
    expect(intern('192.0.2.3')).toBe(-1)
    expect([hosts.refused, hosts.count, forgotten]).toEqual([1, 2, []])
  })

  test('a clock that was set back keeps nobody for ever', () => {
    const { hosts, forgotten, intern } = table(4, 60 * SECOND)
    hosts.tick(9e12)
    intern('192.0.2.1')
    hosts.tick(10 * SECOND)
    hosts.tick(71 * SECOND)
    expect(forgotten).toEqual(['192.0.2.1'])
  })
})

test('whatever comes and goes, every address that is held is found and no two share a number', () => {
  const steps = fc.array(fc.record({ last: fc.nat(40), held: fc.boolean() }), { maxLength: 300 })
  fc.assert(
    fc.property(steps, (list) => {
      const { hosts, intern } = table(16)
      const held = new Map<string, number>()
      const settle = (text: string, host: number, wanted: boolean): void => {
        if (host < 0 || held.has(text) === wanted) return
        if (wanted) hosts.retain(host)
        else hosts.release(host)
        if (wanted) held.set(text, host)
        else held.delete(text)
      }
      for (const { last, held: wanted } of list) {
        const text = `10.0.0.${last}`
        const host = intern(text)
        expect(held.get(text) ?? host).toBe(host)
        expect(host < 0 ? text : hosts.address(host)).toBe(text)
        settle(text, host, wanted)
        expect(new Set(held.values()).size).toBe(held.size)
        expect(hosts.count).toBeLessThanOrEqual(16)
      }
    }),
  )
})

test('addresses that share most bits spread: none of 100,000 neighbours is refused', () => {
  const { hosts } = table(100_000)
  for (let low = 0; low < 50_000; low++) hosts.internV4(0x0a000000 + low)
  for (let low = 0; low < 50_000; low++) hosts.internV6(0x20010db8, 0, low << 16, 0)
  expect([hosts.count, hosts.refused]).toEqual([100_000, 0])
})
