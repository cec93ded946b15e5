import { isIP } from 'node:net'
import { type AddressWords, readWords } from '#lib/address-words.ts'
import type { Ip } from '#model/address.ts'

export interface TargetBits {
  readonly isIpv6: boolean
  readonly bits: number
}

/** Of IPv4 targets that were just read: made once, for lists have millions. */
const V4_BITS: readonly TargetBits[] = Array.from({ length: 33 }, (_, bits) => ({ isIpv6: false, bits }))

/**
 * Reads `address` or `address/bits` strictly into `words`, with the host bits cleared; undefined when it is neither.
 * An IPv4-mapped IPv6 address is its IPv4 address.
 */
export function readTargetWords(text: string, words: AddressWords): TargetBits | undefined {
  const slash = text.indexOf('/')
  const address = slash < 0 ? text : text.slice(0, slash)
  const kind = address.includes('%') ? 0 : isIP(address)
  if (kind === 0) return undefined
  const most = kind === 4 ? 32 : 128
  const bits = slash < 0 ? most : bitsOf(text.slice(slash + 1), most)
  if (bits === undefined) return undefined
  readWords(address as Ip, words)
  const read = kind === 4 ? V4_BITS[bits] : unmapped(words, bits)
  if (read) clearHostBits(words, read)
  return read
}

function unmapped(words: AddressWords, bits: number): TargetBits | undefined {
  if (bits < 96 || words[0] !== 0 || words[1] !== 0 || words[2] !== 0xffff) return { isIpv6: true, bits }
  words[0] = words[3] as number
  words.fill(0, 1)
  return V4_BITS[bits - 96]
}

function bitsOf(text: string, most: number): number | undefined {
  const bits = /^\d{1,3}$/.test(text) ? Number(text) : most + 1
  return bits <= most ? bits : undefined
}

function clearHostBits(words: AddressWords, { isIpv6, bits }: TargetBits): void {
  const width = isIpv6 ? 4 : 1
  for (let word = 0; word < width; word++) {
    const kept = bits - 32 * word
    if (kept < 32) words[word] = kept <= 0 ? 0 : (words[word] as number) & (-1 << (32 - kept))
  }
}

/**
 * True when everything in the range can be a host of somebody else on the Internet. What lies in private, loopback,
 * link-local, shared, multicast and reserved ranges cannot (IANA special-purpose registries); the documentation
 * ranges may: nobody is there.
 */
export function isPublic(words: AddressWords, { isIpv6, bits }: TargetBits): boolean {
  const [w0 = 0, w1 = 0] = words
  if (!isIpv6) return isPublicIpv4(w0, bits)
  // Global unicast is 2000::/3. Teredo and 6to4 carry an IPv4 address: the latter is judged by it.
  if (w0 >>> 29 !== 1 || bits < 3 || w0 === 0x20010000) return false
  return w0 >>> 16 !== 0x2002 || (bits >= 48 && isPublicIpv4(((w0 << 16) | (w1 >>> 16)) >>> 0, 32))
}

function isPublicIpv4(address: number, bits: number): boolean {
  for (const [network, length] of NOT_PUBLIC) {
    const shift = 32 - Math.min(length, bits)
    if (shift === 32 || address >>> shift === network >>> shift) return false
  }
  return true
}

const NOT_PUBLIC: readonly (readonly [network: number, bits: number])[] = [
  [0x00000000, 8],
  [0x0a000000, 8],
  [0x64400000, 10],
  [0x7f000000, 8],
  [0xa9fe0000, 16],
  [0xac100000, 12],
  [0xc0000000, 24],
  [0xc0a80000, 16],
  [0xc6120000, 15],
  [0xe0000000, 3],
]
