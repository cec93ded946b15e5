import type { Row } from '../rows.ts'
import { FILTER_PARTS, keyOf, partOf } from './filter.ts'

/** What keys are made of: the kind is part of the hash, so that kinds share one filter. */
const KINDS = { community: 1, name: 2, asn: 3, source: 4, target: 5 } as const

/** So many bits of an address are a key: a range is looked for by those that lie nearest to it. */
const PREFIXES = { 4: [0, 8, 16, 24, 32], 6: [0, 16, 32, 48, 64, 128] } as const
/** Each key that is looked for costs a few reads. */
const MAX_PREFIXES = 8

export type AddressSide = 'source' | 'target'

export const communityKey = (id: string | Uint8Array): number =>
  keyOf(KINDS.community, typeof id === 'string' ? Buffer.from(id) : id)

export const numberKey = (kind: 'name' | 'asn', value: number): number => {
  const bytes = new Uint8Array(8)
  new DataView(bytes.buffer).setFloat64(0, value)
  return keyOf(KINDS[kind], bytes)
}

/** A flow that comes in has its peer as source: whether it does is part of the key. */
const kindOf = (side: AddressSide, isInbound: boolean, bits: number, length: number): number =>
  KINDS[side] + 8 * Number(isInbound) + 16 * bits + 4096 * length

function prefixKey(side: AddressSide, isInbound: boolean, address: Uint8Array, bits: number): number {
  return keyOf(kindOf(side, isInbound, bits, address.length), address, bits / 8)
}

/** The keys of all flows of a segment, gathered flow by flow. */
export class KeyWriter {
  /** By part. */
  readonly parts: readonly Set<number>[] = Array.from({ length: FILTER_PARTS }, () => new Set())
  /** Addresses come again and again. */
  readonly #known = new Set<string>()

  /** `row` is one of COLUMN_ROWS. */
  add(row: Row): void {
    this.#add(communityKey(row['community_id'] as string | Uint8Array))
    for (const kind of ['name', 'asn'] as const) {
      if (row[kind] !== null) this.#add(numberKey(kind, Number(row[kind])))
    }
    const isInbound = row['direction'] === 0
    this.#addAddress('source', isInbound, row['source'] as Uint8Array)
    this.#addAddress('target', isInbound, row['target'] as Uint8Array)
  }

  has(key: number): boolean {
    return this.parts[partOf(key)]?.has(key) === true
  }

  #add(key: number): void {
    this.parts[partOf(key)]?.add(key)
  }

  #addAddress(side: AddressSide, isInbound: boolean, address: Uint8Array): void {
    const text = `${side}${isInbound}${Buffer.from(address.buffer, address.byteOffset, address.length).toString('latin1')}`
    if (this.#known.has(text)) return
    this.#known.add(text)
    for (const bits of PREFIXES[address.length === 4 ? 4 : 6])
      this.#add(prefixKey(side, isInbound, address, bits))
  }
}

/** Keys of which a flow with an address from `low` to `high` (both in, of one length) has at least one. */
export function rangeKeys(
  side: AddressSide,
  { low, high }: { readonly low: Uint8Array; readonly high: Uint8Array },
  inbound: readonly boolean[],
): number[] {
  const prefixes = prefixesOf(low, high)
  return inbound.flatMap((isInbound) =>
    prefixes.map(({ address, bits }) => prefixKey(side, isInbound, address, bits)),
  )
}

/** The longest of the prefixes that are keys of which few cover the range. */
function prefixesOf(low: Uint8Array, high: Uint8Array): { address: Uint8Array; bits: number }[] {
  const width = low.length * 8
  const [first, last] = [numberOf(low), numberOf(high)]
  for (const bits of [...PREFIXES[width === 32 ? 4 : 6]].reverse()) {
    const shift = BigInt(width - bits)
    const count = Number((last >> shift) - (first >> shift)) + 1
    if (count > MAX_PREFIXES) continue
    return Array.from({ length: count }, (_, at) => ({
      address: bytesOf(((first >> shift) + BigInt(at)) << shift, low.length),
      bits,
    }))
  }
  return []
}

const numberOf = (address: Uint8Array): bigint => BigInt(`0x${Buffer.from(address).toString('hex')}`)
const bytesOf = (number: bigint, length: number): Uint8Array =>
  Buffer.from(number.toString(16).padStart(length * 2, '0'), 'hex')
