/**
 * Which keys a segment may hold (a Bloom filter): what it denies is not there, and of a hundred keys that are not
 * there it denies all but one or two. A key is a number below 2^53, evenly spread; its highest byte is its part.
 */

/** A segment has a filter for each part. */
export const FILTER_PARTS = 256
const BITS_OF_A_KEY = 10
const PROBES = 6
const LOW = 2 ** 32
const PART_AT = 2 ** 45

export const partOf = (key: number): number => Math.floor(key / PART_AT)

/** The filter of keys of one part. */
export function filterOf(keys: readonly number[]): Uint8Array {
  const filter = new Uint8Array(Math.max(1, Math.ceil((keys.length * BITS_OF_A_KEY) / 8)))
  for (const key of keys) {
    for (const bit of bitsOf(key, filter))
      filter[bit >>> 3] = (filter[bit >>> 3] as number) | (1 << (bit & 7))
  }
  return filter
}

export const mayHold = (filter: Uint8Array, key: number): boolean =>
  bitsOf(key, filter).every((bit) => ((filter[bit >>> 3] as number) >>> (bit & 7)) & 1)

/** Double hashing: as good as so many hashes (Kirsch and Mitzenmacher, 2006). */
function bitsOf(key: number, { length }: Uint8Array): number[] {
  const low = key % LOW
  const step = Math.imul(Math.floor(key / LOW), 0x9e37_79b1) >>> 0
  return Array.from({ length: PROBES }, (_, at) => ((low + at * step) % LOW) % (length * 8))
}

/** The key of some bytes: FNV-1a twice, from two beginnings, each mixed at the end as Murmur3 does. */
export function keyOf(kind: number, bytes: Uint8Array, count = bytes.length): number {
  let low = (0x811c_9dc5 ^ kind) >>> 0
  let high = (0x5bd1_e995 ^ kind) >>> 0
  for (let at = 0; at < count; at++) {
    low = Math.imul(low ^ (bytes[at] as number), 0x0100_0193)
    high = Math.imul(high ^ (bytes[at] as number), 0x0100_01b3)
  }
  return (mixed(high) >>> 11) * LOW + mixed(low)
}

function mixed(hash: number): number {
  let mix = Math.imul(hash ^ (hash >>> 16), 0x85eb_ca6b)
  mix = Math.imul(mix ^ (mix >>> 13), 0xc2b2_ae35)
  return (mix ^ (mix >>> 16)) >>> 0
}
