import type { AddressWords } from '#lib/address-words.ts'
import { ipBytes, networkOf, type Target } from '#model/address.ts'
import { columnsOf, type Prefix } from './range-builder.ts'
import { createRangeTable } from './range-table.ts'
import { SPECIAL_RANGES, type SpecialRange } from './special-ranges.ts'

const tables = { four: tableOf(32), six: tableOf(128) }

/** The special range that an address is in, the narrowest of them. */
export function specialRangeOf(words: AddressWords, isIpv6: boolean): SpecialRange | undefined {
  const value = (isIpv6 ? tables.six : tables.four).find(words)
  return value === 0 ? undefined : SPECIAL_RANGES[value - 1]
}

/** The IPv4 address in an IPv6 address that leads to it: 6to4 (RFC 3056 §2) and NAT64 (RFC 6052 §2.1). */
export function ipv4Within(words: AddressWords): number | undefined {
  const [w0 = 0, w1 = 0, w2 = 0, w3 = 0] = words
  if (w0 >>> 16 === 0x2002) return ((w0 << 16) | (w1 >>> 16)) >>> 0
  return w0 === 0x0064ff9b && w1 === 0 && w2 === 0 ? w3 : undefined
}

function tableOf(bits: 32 | 128) {
  const prefixes = SPECIAL_RANGES.flatMap(({ range }, at): Prefix[] => {
    if (range.includes(':') !== (bits === 128)) return []
    const { network, bits: length } = networkOf(range as Target)
    return [{ first: numberOf(ipBytes(network)), length, value: at + 1 }]
  })
  return createRangeTable(columnsOf(bits, prefixes))
}

function numberOf(bytes: Uint8Array): bigint {
  return bytes.reduce((number, byte) => (number << 8n) | BigInt(byte), 0n)
}
