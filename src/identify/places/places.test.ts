import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import ipaddr from 'ipaddr.js'
import { Reader } from 'mmdb-lib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Ip, ip, parseIp } from '#model/address.ts'
import type { AddressSpans } from '#model/rule.ts'
import { holdsAddress } from '#policy/rules/address-spans.ts'
import { buildPlaces } from '../../../scripts/places/build.ts'
import type { CountryRecord } from '../../../scripts/places/ranges.ts'
import { createPlaces, type Places } from './places.ts'
import { encodePlaces } from './places-file.ts'

const packages = new URL('../../../node_modules/@ip-location-db/', import.meta.url)
const read = (name: string): Buffer => readFileSync(new URL(name, packages))

let folder = ''
let file = ''
let places: Places
let bytes: Uint8Array

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'gatehouse-places-'))
  file = join(folder, 'places.bin')
  bytes = encodePlaces(buildPlaces())
  writeFileSync(file, bytes)
  places = createPlaces({ path: file, files: [] })
}, 30_000)
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Repeatable noise (mulberry32). */
function noise(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** What the data say, read in the plainest way: the text files, line by line, with another parser. */
interface Row {
  readonly first: bigint
  readonly last: bigint
  readonly number: number
}

const numberOf = (text: string): bigint =>
  ipaddr
    .parse(text)
    .toByteArray()
    .reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n)

function textOf(value: bigint, bits: 32 | 128): Ip {
  const all = Array.from({ length: bits / 8 }, (_, at) => Number((value >> BigInt(bits - 8 - 8 * at)) & 255n))
  return parseIp(ipaddr.fromByteArray(all).toString()) as Ip
}

const rowsOf = (name: string): Row[] =>
  read(name)
    .toString()
    .trim()
    .split('\n')
    .map((line) => {
      const [first = '', last = '', number = ''] = line.split(',')
      return { first: numberOf(first), last: numberOf(last), number: Number(number) }
    })

/** Both ends of ranges, what lies between, and the neighbours outside; ordinary random addresses too. */
function questions(rows: readonly Row[], bits: 32 | 128, count: number): bigint[] {
  const random = noise(bits)
  const most = (1n << BigInt(bits)) - 1n
  return Array.from({ length: count }, (_, at) => {
    const { first, last } = rows[Math.floor(random() * rows.length)] as Row
    const inside = first + (BigInt(Math.floor(random() * 2 ** 32)) * (last - first)) / (1n << 32n)
    const anywhere = BigInt(Math.floor(random() * 2 ** 32)) << BigInt(bits - 32)
    const asked = [first, last, inside, first - 1n, last + 1n, anywhere][at % 6] as bigint
    return asked < 0n || asked > most ? first : asked
  })
}

/** One walk over all rows for all questions; of rows that overlap the one that begins last counts. */
function answers(rows: readonly Row[], asked: readonly bigint[]): Map<bigint, number | undefined> {
  const found = new Map<bigint, number | undefined>()
  const sorted = [...asked].sort((a, b) => (a < b ? -1 : 1))
  let at = 0
  for (const question of sorted) {
    while (at < rows.length && (rows[at] as Row).first <= question) at++
    const covering = rows.slice(Math.max(0, at - 3), at).filter(({ last }) => question <= last)
    found.set(question, covering.at(-1)?.number)
  }
  return found
}

describe('the same answers as an independent reader', () => {
  test.each([
    [32, 'asn/asn-ipv4.csv', 3_000],
    [128, 'asn/asn-ipv6.csv', 2_000],
  ] as const)('%i-bit networks, from the text files', (bits, name, count) => {
    const rows = rowsOf(name)
    const asked = questions(rows, bits, count)
    const expected = answers(rows, asked)
    let ordinary = 0
    for (const question of asked) {
      const address = textOf(question, bits)
      const place = places.placeOf(address)
      if (place.special !== undefined) continue
      ordinary++
      expect([address, place.asn?.number]).toEqual([address, expected.get(question)])
    }
    expect(ordinary).toBeGreaterThan(count * 0.9)
  })

  test.each([
    [32, 3_000],
    [128, 2_000],
  ] as const)('%i-bit countries, by mmdb-lib from the database of both families', (bits, count) => {
    const reader = new Reader<CountryRecord>(read('geo-whois-asn-country-mmdb/geo-whois-asn-country.mmdb'))
    const asked = questions(rowsOf(`asn/asn-ipv${bits === 32 ? 4 : 6}.csv`), bits, count)
    let ordinary = 0
    for (const question of asked) {
      const address = textOf(question, bits)
      const place = places.placeOf(address)
      if (place.special !== undefined) continue
      ordinary++
      expect([address, place.country?.code]).toEqual([address, reader.get(address)?.country_code])
    }
    expect(ordinary).toBeGreaterThan(count * 0.9)
  })
})

test.each([
  [32, 3_000],
  [128, 2_000],
] as const)(
  'the spans of countries and networks hold the %i-bit addresses that are there, and no others',
  (bits, count) => {
    const { spans } = places
    if (!spans) throw new Error('there are no spans')
    const [us, google] = [spans.country('US'), spans.network(15169)]
    let [inUs, inNetwork] = [0, 0]
    const asked = questions(rowsOf(`asn/asn-ipv${bits === 32 ? 4 : 6}.csv`), bits, count)
    for (const address of [...asked].map((question) => textOf(question, bits)).concat(SPECIAL)) {
      const { country, asn, special } = places.placeOf(address)
      if (special !== undefined && country) continue
      const holds = (all: AddressSpans | undefined) => all !== undefined && holdsAddress(all, address)
      expect([address, holds(us), holds(spans.withCountry)]).toEqual([
        address,
        country?.code === 'US',
        country !== undefined,
      ])
      expect([address, holds(google), holds(spans.withNetwork)]).toEqual([
        address,
        asn?.number === 15169,
        asn !== undefined,
      ])
      if (holds(us)) inUs++
      if (asn) inNetwork++
    }
    expect(Math.min(inUs, inNetwork)).toBeGreaterThan(count / 20)
    expect(spans.country('XX')).toBeUndefined()
    expect(spans.network(64_500)).toBeUndefined()
    expect(spans.country('US')).toBe(us)
  },
)

/** The data package has some of these in Australia and Japan. */
const SPECIAL = [
  '192.168.0.1',
  '172.16.1.1',
  '198.51.100.7',
  '203.0.113.9',
  '2001:db8::1',
  '2002:a00:1::1',
].map(ip)

test('says country and network with their names', () => {
  expect(places.placeOf(ip('1.1.1.1'))).toEqual({
    country: { code: 'AU', name: 'Australia' },
    asn: { number: 13335, name: 'Cloudflare, Inc.' },
  })
  expect(places.placeOf(ip('2001:4860:4860::8888')).asn?.number).toBe(15169)
})

test.each([
  ['0.0.0.0', 'unspecified'],
  ['10.255.0.1', 'private'],
  ['100.127.255.255', 'carrier-grade NAT'],
  ['127.8.8.8', 'loopback'],
  ['169.254.1.1', 'link-local'],
  ['172.31.255.255', 'private'],
  ['192.0.2.255', 'documentation'],
  ['192.168.0.1', 'private'],
  ['198.19.255.255', 'benchmarking'],
  ['203.0.113.1', 'documentation'],
  ['224.0.0.251', 'multicast'],
  ['240.0.0.1', 'reserved'],
  ['255.255.255.255', 'broadcast'],
  ['::', 'unspecified'],
  ['::1', 'loopback'],
  ['100::1', 'discard'],
  ['2001:db8::1', 'documentation'],
  ['3fff:fff::1', 'documentation'],
  ['fd00::1', 'unique local'],
  ['fe80::1', 'link-local'],
  ['ff02::fb', 'multicast'],
  ['64:ff9b::10.0.0.1', 'NAT64, private'],
])('%s is special and in no country: %s', (address, special) => {
  expect(places.placeOf(parseIp(address) as Ip)).toEqual({ special })
})

test('what surrounds a special range is not special', () => {
  const near = [
    '9.255.255.255',
    '11.0.0.0',
    '100.128.0.0',
    '172.32.0.0',
    '198.17.255.255',
    '2001:200::',
    'fbff::',
  ]
  for (const address of near)
    expect([address, places.placeOf(ip(address)).special]).toEqual([address, undefined])
})

test('an address that leads to IPv4 is where its packets come out', () => {
  const where = places.placeOf(ip('8.8.8.8'))
  expect(places.placeOf(parseIp('64:ff9b::8.8.8.8') as Ip)).toEqual({ ...where, special: 'NAT64' })
  expect(places.placeOf(parseIp('2002:808:808::1') as Ip)).toEqual({ ...where, special: '6to4' })
})

describe('files that cannot be used', () => {
  test('a missing file is told with its remedy, and special ranges are still named', () => {
    const without = createPlaces({ path: join(folder, 'none.bin'), files: [] })
    expect(without.health).toMatchObject({
      state: 'degraded',
      reason: expect.stringContaining('it is not there'),
      remedy: expect.stringContaining('npm run places'),
    })
    expect([without.placeOf(ip('1.1.1.1')), without.placeOf(ip('10.0.0.1'))]).toEqual([
      {},
      { special: 'private' },
    ])
  })

  test('a file that was cut off or changed anywhere is refused, never believed', () => {
    const random = noise(7)
    const spoiled = join(folder, 'spoiled.bin')
    for (let round = 0; round < 12; round++) {
      const copy = Uint8Array.from(bytes)
      const at = round < 4 ? round * 20 : Math.floor(random() * copy.length)
      copy[at] = (copy[at] ?? 0) ^ 0x55
      writeFileSync(spoiled, round % 2 === 0 ? copy : copy.subarray(0, at))
      expect([at, createPlaces({ path: spoiled, files: [] }).health.state]).toEqual([at, 'degraded'])
    }
  })

  test('own files that are no MMDB files are named', () => {
    const own = join(folder, 'own.mmdb')
    writeFileSync(own, 'not a database')
    const { health } = createPlaces({ path: file, files: [own] })
    expect(health).toMatchObject({
      state: 'degraded',
      reason: expect.stringContaining(`${own} cannot be used`),
      remedy: expect.stringContaining('places.files'),
    })
  })
})

test("a person's own database wins, and adds to ours", () => {
  const own = new URL('geo-whois-asn-country-mmdb/geo-whois-asn-country-ipv4.mmdb', packages).pathname
  const alone = createPlaces({ path: join(folder, 'none.bin'), files: [own] })
  expect(alone.placeOf(ip('1.1.1.1'))).toEqual({ country: { code: 'AU', name: 'Australia' } })
  const both = createPlaces({ path: file, files: [own] })
  expect(both.placeOf(ip('1.1.1.1')).asn?.number).toBe(13335)
  expect(both.placeOf(ip('2606:4700::1')).asn?.number).toBe(13335)
})
