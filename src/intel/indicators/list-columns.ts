import type { Ip } from '#model/address.ts'
import { formatIpv4, formatIpv6 } from '#model/address.ts'

/** What is known of each row besides its key. Columns of which no row says anything are absent. */
export interface Facts {
  /** Seconds since the epoch. */
  readonly since: Uint32Array
  /** Seconds since the epoch; 0: without an end. */
  readonly until?: Uint32Array
  /** 1 to 101: one more than the confidence; 0: not said. */
  readonly confidence?: Uint8Array
  /** Index in `reasons` plus 1; 0: not said. */
  readonly reason?: Uint16Array
}

/** Addresses and ranges, by start and then from wide to narrow; two of them are apart, or one lies in the other. */
export interface RangeRows {
  /** One column per 32-bit word of the network address. */
  readonly starts: readonly Uint32Array[]
  /** Length of the prefix. */
  readonly bits: Uint8Array
  /** The row around each row, plus 1; 0: none. Absent when no row lies in another. */
  readonly parents?: Uint32Array
  /** Of long lists: how many rows begin before each 16-bit prefix. */
  readonly before?: Uint32Array
  readonly facts: Facts
}

/** Hashes of texts, in order. `buckets` says where the rows begin whose hash starts with the same bits. */
export interface TextRows {
  readonly high: Uint32Array
  readonly low: Uint32Array
  readonly buckets: Uint32Array
  readonly shift: number
  readonly facts: Facts
}

/** All entries of one list, as plain columns: they cross threads without a copy. */
export interface ListColumns {
  readonly ipv4: RangeRows
  readonly ipv6: RangeRows
  readonly texts: TextRows
  readonly reasons: readonly string[]
  /** Entries by what they are: what people are shown. */
  readonly counts: { readonly targets: number; readonly domains: number; readonly others: number }
}

/** The narrowest row around an IPv4 address, or -1. */
export function findIpv4(rows: RangeRows, word: number): number {
  const starts = rows.starts[0] as Uint32Array
  const prefix = word >>> 16
  let low = rows.before ? (rows.before[prefix] as number) : 0
  let high = rows.before ? (rows.before[prefix + 1] as number) : starts.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((starts[middle] as number) <= word) low = middle + 1
    else high = middle
  }
  let row = low - 1
  while (row >= 0 && !holdsIpv4(rows, row, word)) row = parentOf(rows, row)
  return row
}

const holdsIpv4 = ({ starts, bits }: RangeRows, row: number, word: number): boolean => {
  const shift = 32 - (bits[row] as number)
  return shift === 32 || ((starts[0] as Uint32Array)[row] as number) >>> shift === word >>> shift
}

/** The narrowest row around an IPv6 address, or -1. */
export function findIpv6(rows: RangeRows, words: Uint32Array): number {
  const prefix = (words[0] as number) >>> 16
  let low = rows.before ? (rows.before[prefix] as number) : 0
  let high = rows.before ? (rows.before[prefix + 1] as number) : rows.bits.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (isAtMost(rows.starts, middle, words)) low = middle + 1
    else high = middle
  }
  let row = low - 1
  while (row >= 0 && !holdsIpv6(rows, row, words)) row = parentOf(rows, row)
  return row
}

function isAtMost(starts: readonly Uint32Array[], row: number, words: Uint32Array): boolean {
  for (let word = 0; word < 4; word++) {
    const [start, wanted] = [(starts[word] as Uint32Array)[row] as number, words[word] as number]
    if (start !== wanted) return start < wanted
  }
  return true
}

function holdsIpv6({ starts, bits }: RangeRows, row: number, words: Uint32Array): boolean {
  for (let word = 0, left = bits[row] as number; left > 0; word++, left -= 32) {
    const difference = ((starts[word] as Uint32Array)[row] as number) ^ (words[word] as number)
    if (left >= 32 ? difference !== 0 : difference >>> (32 - left) !== 0) return false
  }
  return true
}

/** The row around a row, or -1. */
export const parentOf = ({ parents }: RangeRows, row: number): number =>
  parents === undefined ? -1 : (parents[row] as number) - 1

/** The row of a hash, or -1. */
export function findText({ high, low, buckets, shift }: TextRows, first: number, second: number): number {
  if (high.length === 0) return -1
  const bucket = shift === 32 ? 0 : first >>> shift
  const end = buckets[bucket + 1] as number
  for (let row = buckets[bucket] as number; row < end; row++) {
    if (high[row] === first && low[row] === second) return row
  }
  return -1
}

/** The range of a row as people write it. */
export function rangeText({ starts, bits }: RangeRows, row: number): string {
  const words = starts.map((column) => column[row] as number)
  const full = 32 * words.length
  const network: Ip =
    full === 32
      ? formatIpv4(words[0] as number)
      : formatIpv6(words[0] as number, words[1] as number, words[2] as number, words[3] as number)
  return bits[row] === full ? network : `${network}/${bits[row]}`
}

/** Every buffer once, for a transfer to another thread. */
export function buffersOf({ ipv4, ipv6, texts }: ListColumns): ArrayBuffer[] {
  const columns = [
    ...ipv4.starts,
    ...ipv6.starts,
    ...[ipv4, ipv6].flatMap((rows) => [rows.bits, rows.parents, rows.before]),
    texts.high,
    texts.low,
    texts.buckets,
    ...[ipv4, ipv6, texts].flatMap(({ facts }) => [facts.since, facts.until, facts.confidence, facts.reason]),
  ]
  return columns.flatMap((column) => (column === undefined ? [] : [column.buffer as ArrayBuffer]))
}
