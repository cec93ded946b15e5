import { without } from '#lib/spans.ts'
import { ipBytes, networkOf, type Target } from '#model/address.ts'
import type { PlaceSpans } from '#model/place.ts'
import type { AddressSpans } from '#model/rule.ts'
import type { PlacesTables } from './places-file.ts'
import type { RangeColumns } from './range-table.ts'
import { SPECIAL_RANGES } from './special-ranges.ts'

/** Which stretches of a table are wanted, by their values. */
type Wanted = (value: number) => boolean

const any: Wanted = (value) => value !== 0

/**
 * The tables the other way round: which addresses a country or network has. Each answer is made when it is first asked
 * for, and kept. Private and other special addresses, and those of 6to4 and NAT64, are nowhere, whatever the tables say.
 */
export function placeSpansOf(tables: PlacesTables): PlaceSpans {
  const made = new Map<string, AddressSpans>()
  const once = (key: string, make: () => AddressSpans): AddressSpans => {
    const spans = made.get(key) ?? make()
    made.set(key, spans)
    return spans
  }
  const inCountries = (wanted: Wanted): AddressSpans => spansIn(tables.country4, tables.country6, wanted)
  const inNetworks = (wanted: Wanted): AddressSpans => spansIn(tables.network4, tables.network6, wanted)
  return {
    countries: tables.codes,
    country(code) {
      const wanted = tables.codes.indexOf(code) + 1
      return wanted === 0 ? undefined : once(code, () => inCountries((value) => value === wanted))
    },
    network(number) {
      const wanted = tables.networks.indexOf(number) + 1
      return wanted === 0 ? undefined : once(`AS${number}`, () => inNetworks((value) => value === wanted))
    },
    get withCountry() {
      return once('country', () => inCountries(any))
    },
    get withNetwork() {
      return once('network', () => inNetworks(any))
    },
  }
}

const spansIn = (columns4: RangeColumns, columns6: RangeColumns, wanted: Wanted): AddressSpans => ({
  v4: Uint32Array.from(without(spans4(columns4, wanted), NOWHERE.v4, 1)),
  v6: without(spans6(columns6, wanted), NOWHERE.v6, 1n),
})

const LAST_4 = 2 ** 32 - 1
const LAST_6 = (1n << 128n) - 1n

function spans4({ starts: [starts = new Uint32Array()], values }: RangeColumns, wanted: Wanted): number[] {
  const flat: number[] = []
  for (let at = 0; at < values.length; at++) {
    if (!wanted(values[at] as number)) continue
    const first = starts[at] as number
    const last = at + 1 < values.length ? (starts[at + 1] as number) - 1 : LAST_4
    if (flat.at(-1) === first - 1) flat[flat.length - 1] = last
    else flat.push(first, last)
  }
  return flat
}

function spans6(columns: RangeColumns, wanted: Wanted): bigint[] {
  const flat: bigint[] = []
  const { values } = columns
  for (let at = 0; at < values.length; at++) {
    if (!wanted(values[at] as number)) continue
    const first = start6(columns, at)
    const last = at + 1 < values.length ? start6(columns, at + 1) - 1n : LAST_6
    if (flat.at(-1) === first - 1n) flat[flat.length - 1] = last
    else flat.push(first, last)
  }
  return flat
}

const start6 = ({ starts }: RangeColumns, at: number): bigint =>
  starts.reduce((sum, words) => (sum << 32n) | BigInt(words[at] as number), 0n)

/** What is behind 6to4 (RFC 3056) and NAT64 (RFC 6052) is where the IPv4 address within it is. */
const TUNNELS = ['2002::/16', '64:ff9b::/96']
const NOWHERE = nowhere()

function nowhere(): AddressSpans {
  const ranges = [
    ...SPECIAL_RANGES.filter(({ isGlobal }) => isGlobal !== true).map(({ range }) => range),
    ...TUNNELS,
  ]
  const spans = (isIpv6: boolean): bigint[] =>
    joined(ranges.filter((range) => range.includes(':') === isIpv6).map(spanOf))
  return { v4: Uint32Array.from(spans(false), Number), v6: spans(true) }
}

function spanOf(range: string): readonly [bigint, bigint] {
  const { network, bits } = networkOf(range as Target)
  const bytes = ipBytes(network)
  const first = bytes.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n)
  return [first, first + (1n << BigInt(bytes.length * 8 - bits)) - 1n]
}

function joined(spans: readonly (readonly [bigint, bigint])[]): bigint[] {
  const flat: bigint[] = []
  for (const [first, last] of [...spans].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const end = flat.at(-1)
    if (end === undefined || first > end + 1n) flat.push(first, last)
    else if (last > end) flat[flat.length - 1] = last
  }
  return flat
}
