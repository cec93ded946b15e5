import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { contains, type Ip, ip, networkOf, parseIp, parseTarget, type Target } from '#model/address.ts'
import type { Indicator } from '#model/indicator.ts'
import { Indicators } from './indicators.ts'
import { ListBuilder, TooManyEntries } from './list-builder.ts'
import type { ListColumns } from './list-columns.ts'
import { rowOrder } from './row-order.ts'

const key = { k0: 0x1234567, k1: 0x7654321 }
const NOW = Date.UTC(2026, 10, 20)
const builder = (maxEntries = 1_000_000): ListBuilder =>
  new ListBuilder({ key, maxEntries, mayBePrivate: false, now: NOW })

function columnsOf(...entries: readonly (string | Indicator)[]): ListColumns {
  const building = builder()
  for (const entry of entries) {
    building.add(typeof entry === 'string' ? { kind: 'target', value: entry } : entry)
  }
  return building.finish()
}

function holding(...entries: readonly (string | Indicator)[]): Indicators {
  const indicators = new Indicators(key)
  indicators.replace('one', columnsOf(...entries))
  return indicators
}

describe('addresses and ranges', () => {
  test('the narrowest entry around an address answers, with its date and reason', () => {
    const indicators = holding('198.51.0.0/16', {
      kind: 'target',
      value: '198.51.100.0/24',
      since: Date.UTC(2026, 0, 2),
      until: NOW + 60_000,
      confidence: 0,
      reason: 'SBL1',
    })
    expect(indicators.ofAddress(ip('198.51.100.7'), NOW)).toEqual([
      {
        list: 'one',
        matched: '198.51.100.0/24',
        since: Date.UTC(2026, 0, 2),
        until: NOW + 60_000,
        confidence: 0,
        reason: 'SBL1',
      },
    ])
    expect(indicators.ofAddress(ip('198.51.101.7'), NOW)[0]?.matched).toBe('198.51.0.0/16')
    expect(indicators.ofAddress(ip('198.52.0.1'), NOW)).toEqual([])
  })

  test('once its time is over the range around it answers', () => {
    const indicators = holding('198.51.0.0/16', { kind: 'target', value: '198.51.100.7', until: NOW })
    expect(indicators.ofAddress(ip('198.51.100.7'), NOW)[0]?.matched).toBe('198.51.0.0/16')
    expect(indicators.ofAddress(ip('198.51.100.7'), NOW - 1)[0]?.matched).toBe('198.51.100.7')
  })

  const target = fc.oneof(
    fc.tuple(fc.ipV4(), fc.integer({ min: 8, max: 32 })),
    fc.tuple(
      fc
        .array(fc.integer({ min: 0, max: 3 }), { minLength: 3, maxLength: 3 })
        .map(([a, b, c]) => `23.${a}.${b}.${c}`),
      fc.integer({ min: 12, max: 32 }),
    ),
    fc.tuple(
      fc
        .array(fc.integer({ min: 0, max: 2 }), { minLength: 5, maxLength: 5 })
        .map(([a, b, c, d, e]) => `2a0${a}:${b}:${c}:${d}::${e}`),
      fc.integer({ min: 16, max: 128 }),
    ),
  )

  test('agrees with a walk over all entries, whatever they are', () => {
    fc.assert(
      fc.property(
        fc.array(target, { maxLength: 60 }),
        fc.array(target, { maxLength: 40 }),
        (entries, asked) => {
          const building = builder()
          const kept: Target[] = []
          for (const [address, bits] of entries) {
            const text = `${address}/${bits}`
            if (building.add({ kind: 'target', value: text }) === undefined)
              kept.push(parseTarget(text) as Target)
          }
          const indicators = new Indicators(key)
          indicators.replace('one', building.finish())
          for (const [address] of [...asked, ...entries]) {
            const wanted = parseIp(address) as Ip
            const around = kept.filter((one) => contains(one, wanted))
            const narrowest = around.sort((a, b) => networkOf(b).bits - networkOf(a).bits)[0]
            expect(indicators.ofAddress(wanted, NOW)[0]?.matched).toBe(narrowest)
          }
        },
      ),
      { numRuns: 300 },
    )
  })

  test.each([
    '1.2.3',
    '1.2.3.256',
    '01.2.3.4',
    '1.2.3.4/33',
    '1.2.3.4/',
    '1.2.3.4/x',
    '::1::',
    'fe80::1%eth0',
    '',
    '<html>',
  ])('refuses %j as unreadable', (value) => {
    expect(builder().add({ kind: 'target', value })).toBe('unreadable')
  })

  test.each([
    '0.0.0.0/8',
    '10.0.0.0/8',
    '192.168.1.1',
    '127.0.0.1',
    '224.0.0.0/8',
    '169.254.1.1',
    'fe80::1',
    '2002:a00:1::/48',
    '::ffff:10.0.0.1',
  ])('leaves out %s of the lists of others', (value) => {
    expect(builder().add({ kind: 'target', value })).toBe('private')
  })

  test.each(['0.0.0.0/0', '128.0.0.0/1', '::/0', '2000::/3'])(
    'leaves out %s: it would hit half the Internet',
    (value) => {
      expect(builder().add({ kind: 'target', value })).toBe('wide')
    },
  )

  test('a list of this machine may name its neighbours', () => {
    const building = new ListBuilder({ key, maxEntries: 10, mayBePrivate: true, now: NOW })
    expect(building.add({ kind: 'target', value: '192.168.1.9' })).toBeUndefined()
  })

  test('a list beyond its bound is refused as a whole', () => {
    const building = builder(2)
    building.add({ kind: 'target', value: '198.51.100.1' })
    building.add({ kind: 'target', value: '198.51.100.2' })
    expect(() => building.add({ kind: 'target', value: '198.51.100.3' })).toThrow(TooManyEntries)
  })
})

describe('names, URLs and hashes', () => {
  test('a domain holds all below it, and nothing beside it', () => {
    const indicators = holding({ kind: 'domain', value: 'Bad.Example.COM.' })
    const found = (name: string) => indicators.ofName(name, NOW)[0]?.matched
    expect(['bad.example.com', 'x.y.bad.example.com', 'X.BAD.example.com.'].map(found)).toEqual(
      new Array(3).fill('bad.example.com'),
    )
    expect(['example.com', 'notbad.example.com', 'bad.example.com.org', 'com', ''].map(found)).toEqual(
      new Array(5).fill(undefined),
    )
  })

  test('the nearest domain answers', () => {
    const indicators = holding(
      { kind: 'domain', value: 'example.com' },
      { kind: 'domain', value: 'a.example.com' },
    )
    expect(indicators.ofName('b.a.example.com', NOW)[0]?.matched).toBe('a.example.com')
    expect(indicators.ofName('b.example.com', NOW)[0]?.matched).toBe('example.com')
  })

  test('a top-level domain is too wide, an address is no domain', () => {
    expect(builder().add({ kind: 'domain', value: 'com' })).toBe('wide')
    expect(builder().add({ kind: 'domain', value: '1.2.3.4' })).toBe('unreadable')
    expect(builder().add({ kind: 'domain', value: 'a b.com' })).toBe('unreadable')
    expect(builder().add({ kind: 'domain', value: 'caf\ufffd.com' })).toBe('unreadable')
  })

  test('wide letters are found as DNS carries them', () => {
    expect(
      holding({ kind: 'domain', value: 'bücher.example' }).ofName('www.xn--bcher-kva.example', NOW),
    ).toHaveLength(1)
  })

  test('kinds are kept apart, and one form is looked up', () => {
    const md5 = 'D41D8CD98F00B204E9800998ECF8427E'
    const indicators = holding(
      { kind: 'md5', value: md5 },
      { kind: 'url', value: 'HTTP://Example.com:80/a?b#c' },
      { kind: 'ja4', value: 't13d1516h2_8daaf6152771_e5627efa2ab1' },
    )
    expect(indicators.of('md5', md5.toLowerCase(), NOW)).toHaveLength(1)
    expect(indicators.of('ja3', md5, NOW)).toEqual([])
    expect(indicators.of('url', 'http://example.com/a?b', NOW)).toHaveLength(1)
    expect(indicators.of('url', 'http://example.com/a', NOW)).toEqual([])
    expect(indicators.of('ja4', 't13d1516h2_8daaf6152771_e5627efa2ab1', NOW)).toHaveLength(1)
    expect(indicators.ofName('example.com', NOW)).toEqual([])
  })

  test('ten thousand names are all found, and ten thousand others are not', () => {
    const names = Array.from({ length: 10_000 }, (_, at) => `host-${at}.example${at % 7}.net`)
    const indicators = holding(...names.map((value): Indicator => ({ kind: 'domain', value })))
    expect(names.filter((name) => indicators.ofName(name, NOW).length !== 1)).toEqual([])
    expect(names.filter((name) => indicators.ofName(`x${name}`, NOW).length !== 0)).toEqual([])
  })
})

describe('lists', () => {
  test('each list that holds it answers; replacing one touches no other', () => {
    const indicators = holding('198.51.100.7')
    indicators.replace('two', columnsOf('198.51.100.0/24'))
    const lists = () => indicators.ofAddress(ip('198.51.100.7'), NOW).map(({ list }) => list)
    expect(lists()).toEqual(['one', 'two'])
    indicators.replace('one', columnsOf('203.0.113.1'))
    expect(lists()).toEqual(['two'])
    indicators.remove('two')
    expect(lists()).toEqual([])
    expect(indicators.ofAddress(ip('203.0.113.1'), NOW)).toHaveLength(1)
  })

  test('32 lists have room, also the last of them; one more is refused', () => {
    const indicators = new Indicators(key)
    for (let at = 0; at < 32; at++) indicators.replace(`list ${at}`, columnsOf('198.51.100.7'))
    expect(indicators.ofAddress(ip('198.51.100.7'), NOW)).toHaveLength(32)
    expect(() => indicators.replace('more', columnsOf('198.51.100.7'))).toThrow(RangeError)
  })
})

test('rows are ordered alike, few or many', () => {
  const count = 20_000
  let state = 1
  const noise = () => {
    state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 12345
    return state >>> (state & 15)
  }
  const columns = [
    Uint32Array.from({ length: count }, () => noise() & 7),
    Uint32Array.from({ length: count }, noise),
  ]
  const plain = Array.from({ length: count }, (_, row) => row).sort(
    (a, b) =>
      (columns[0]?.[a] as number) - (columns[0]?.[b] as number) ||
      (columns[1]?.[a] as number) - (columns[1]?.[b] as number) ||
      a - b,
  )
  expect([...rowOrder(columns, count)]).toEqual(plain)
})
