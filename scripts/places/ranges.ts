import { type CountryResponse, Reader } from 'mmdb-lib'
import { RangeBuilder } from '../../src/identify/places/range-builder.ts'

/** Reading the data packages: a CSV of networks, and the search tree of an MMDB file. */

/** Numbers each distinct key from 1 on. */
export class Numbering<Key> {
  readonly #numbers = new Map<Key, number>()

  of(key: Key): number {
    const known = this.#numbers.get(key)
    if (known !== undefined) return known
    this.#numbers.set(key, this.#numbers.size + 1)
    return this.#numbers.size
  }

  get keys(): Key[] {
    return [...this.#numbers.keys()]
  }
}

/** Network number → its name: the first that the data give it. */
export type NetworkNames = Map<number, string>

interface NetworkRanges {
  readonly csv: string
  readonly bits: 32 | 128
  readonly numbering: Numbering<number>
  readonly names: NetworkNames
}

/** Rows `first,last,number,name`, addresses as decimal numbers. Throws an Error that names the line. */
export function addNetworks({ csv, bits, numbering, names }: NetworkRanges): RangeBuilder {
  const builder = new RangeBuilder(bits)
  let line = 0
  for (const row of linesOf(csv)) {
    line++
    const [, first, last, number, name] = ROW.exec(row) ?? []
    if (!first || !last || !number) throw new Error(`line ${line} is not first,last,number,name`)
    if (number === '0') continue
    builder.add(BigInt(first), BigInt(last), numbering.of(Number(number)))
    if (!names.has(Number(number))) names.set(Number(number), unquoted(name ?? ''))
  }
  return builder
}

/** One at a time: half a million strings at once would be a hundred megabytes. */
function* linesOf(text: string): Generator<string> {
  for (let at = 0; at < text.length; ) {
    const end = text.indexOf('\n', at)
    const next = end < 0 ? text.length : end
    if (next > at) yield text.slice(at, next)
    at = next + 1
  }
}

const ROW = /^(\d+),(\d+),(\d+),(.*?)\r?$/

/** RFC 4180 §2. */
const unquoted = (text: string): string =>
  text.startsWith('"') && text.endsWith('"') ? text.slice(1, -1).replaceAll('""', '"') : text

/** What the country database has of an address: the types of mmdb-lib know MaxMind's layout only. */
export type CountryRecord = CountryResponse & { readonly country_code?: string }

/** Bytes of a node with two 24-bit records (MaxMind DB file format, "Node Layout"). */
const NODE_BYTES = 6

/** Walks the search tree of a country database from the lowest address to the highest. Throws an Error in words. */
export function addCountries(file: Buffer, bits: 32 | 128, numbering: Numbering<string>): RangeBuilder {
  const reader = new Reader<CountryRecord>(file)
  const { nodeCount, recordSize, ipVersion } = reader.metadata
  if (recordSize !== 24 || ipVersion !== (bits === 32 ? 4 : 6)) {
    throw new Error(`a tree of ${recordSize}-bit records for IPv${ipVersion} cannot be read`)
  }
  const builder = new RangeBuilder(bits)
  const values = new Map<number, number>()
  const valueAt = (pointer: number, first: bigint): number => {
    const known = values.get(pointer)
    if (known !== undefined) return known
    const code = reader.get(addressText(first, bits))?.country_code ?? ''
    const value = /^[A-Z]{2}$/.test(code) ? numbering.of(code) : 0
    values.set(pointer, value)
    return value
  }
  const walk = (node: number, first: bigint, depth: number): void => {
    if (node === nodeCount) return
    const size = 1n << BigInt(bits - depth)
    if (node > nodeCount) {
      const value = valueAt(node, first)
      if (value !== 0) builder.add(first, first + size - 1n, value)
      return
    }
    if (depth >= bits) throw new Error('the tree is deeper than an address has bits')
    walk(file.readUIntBE(node * NODE_BYTES, 3), first, depth + 1)
    walk(file.readUIntBE(node * NODE_BYTES + 3, 3), first + size / 2n, depth + 1)
  }
  walk(0, 0n, 0)
  return builder
}

function addressText(address: bigint, bits: 32 | 128): string {
  const size = bits === 32 ? 8 : 16
  const parts: string[] = []
  for (let shift = bits - size; shift >= 0; shift -= size) {
    parts.push(((address >> BigInt(shift)) & ((1n << BigInt(size)) - 1n)).toString(bits === 32 ? 10 : 16))
  }
  return parts.join(bits === 32 ? '.' : ':')
}
