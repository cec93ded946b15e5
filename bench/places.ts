import { existsSync, readFileSync } from 'node:fs'
import { Reader } from 'mmdb-lib'
import { createPlaces } from '../src/identify/places/places.ts'
import { formatIpv4, formatIpv6, type Ip } from '../src/model/address.ts'
import { median, printBench, type Row } from './bench.ts'

export const title = 'places: country and network of an address'

const file = new URL('../dist/places.bin', import.meta.url).pathname
const countries = new URL(
  '../node_modules/@ip-location-db/geo-whois-asn-country-mmdb/geo-whois-asn-country.mmdb',
  import.meta.url,
)
/** Fewer than are remembered, and far more. */
const FEW = 10_000
const MANY = 400_000

export async function run(): Promise<readonly Row[]> {
  if (!existsSync(file)) throw new Error('dist/places.bin is missing: npm run places')
  const opening = performance.now()
  const places = createPlaces({ path: file, files: [] })
  const openMs = performance.now() - opening
  const peer = new Reader(readFileSync(countries))
  const rows: Row[] = [{ what: 'open the file', who: 'gatehouse', value: openMs, unit: 'ms', better: 'less' }]
  for (const [family, addresses] of [
    ['IPv4', ipv4Addresses],
    ['IPv6', ipv6Addresses],
  ] as const) {
    const few = addresses(FEW)
    const many = addresses(MANY)
    const unit = 'µs'
    rows.push(
      {
        what: `${family}, remembered`,
        who: 'gatehouse',
        value: perLookUp(few, (address) => places.placeOf(address)),
        unit,
        better: 'less',
      },
      {
        what: `${family}, never seen`,
        who: 'gatehouse',
        value: perLookUp(many, (address) => places.placeOf(address)),
        unit,
        better: 'less',
        note: 'country and network',
      },
      {
        what: `${family}, never seen`,
        who: 'mmdb-lib',
        value: perLookUp(many, (address) => peer.get(address)),
        unit,
        better: 'less',
        note: 'country alone',
      },
    )
  }
  return rows
}

/** Microseconds, the middle of seven rounds after two that warm up. */
function perLookUp(addresses: readonly Ip[], look: (address: Ip) => unknown): number {
  const rounds = Array.from({ length: 9 }, () => {
    const start = performance.now()
    for (const address of addresses) look(address)
    return ((performance.now() - start) * 1000) / addresses.length
  })
  return median(rounds.slice(2))
}

const word = (): number => Math.floor(Math.random() * 2 ** 32)

const ipv4Addresses = (count: number): Ip[] => Array.from({ length: count }, () => flat(formatIpv4(word())))

const ipv6Addresses = (count: number): Ip[] =>
  Array.from({ length: count }, () =>
    flat(formatIpv6((word() & 0x0fff_ffff) | 0x2000_0000, word(), word(), word())),
  )

/** As addresses are that came out of a message: not a rope of parts, nor a string that knows its hash. */
const flat = (address: Ip): Ip => Buffer.from(address).toString('latin1') as Ip

if (import.meta.main) await printBench({ title, run })
