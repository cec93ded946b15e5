import ipaddr from 'ipaddr.js'

/** An IP address in its canonical text form (RFC 5952), as the kernel prints it. */
export type Ip = string & { readonly __brand: 'Ip' }

/** A range in canonical CIDR text: network address, host bits zero. */
export type Cidr = string & { readonly __brand: 'Cidr' }

/** What a block or an allow entry may name: one address or one range. */
export type Target = Ip | Cidr

/** Of an IPv4-mapped IPv6 address, before the IPv4 one (RFC 4291 §2.5.5.2). */
const MAPPED_BITS = 96

/** Trusts the caller: use only on text that came from a decoder or the kernel. */
export const ip = (text: string): Ip => text as Ip

/** Reads an address as a person types it. IPv4-mapped IPv6 becomes IPv4; a zone index is dropped. */
export function parseIp(text: string): Ip | undefined {
  const bare = text.split('%')[0] ?? ''
  if (!ipaddr.IPv4.isValidFourPartDecimal(bare) && !ipaddr.IPv6.isValid(bare)) return undefined
  return canonical(ipaddr.process(bare))
}

/** Reads `address` or `address/bits`; host bits are cleared. A full-length range is its one address. */
export function parseTarget(text: string): Target | undefined {
  const [address, bits, ...rest] = text.trim().split('/')
  if (address === undefined || rest.length > 0) return undefined
  if (bits === undefined) return parseIp(address)
  if (!/^\d{1,3}$/.test(bits) || parseIp(address) === undefined) return undefined
  const { parsed, length } = unmapped(address.split('%')[0] ?? '', Number(bits))
  const width = parsed.kind() === 'ipv4' ? 32 : 128
  if (length > width) return undefined
  if (length === width) return canonical(parsed)
  const bytes = parsed
    .toByteArray()
    .map((byte, at) => byte & (0xff00 >> Math.min(8, Math.max(0, length - at * 8))))
  return `${canonical(ipaddr.fromByteArray(bytes))}/${length}` as Cidr
}

/** The length of an IPv4-mapped range counts the bits before the IPv4 address: with fewer it is a range of IPv6. */
function unmapped(address: string, length: number) {
  const parsed = ipaddr.process(address)
  if (parsed.kind() === 'ipv6' || !address.includes(':')) return { parsed, length }
  if (length < MAPPED_BITS) return { parsed: ipaddr.parse(address), length }
  return { parsed, length: length - MAPPED_BITS }
}

export const isRange = (target: Target): target is Cidr => target.includes('/')

export const isIpv6 = (target: Target): boolean => target.includes(':')

/** 4 or 16 bytes, network order. */
export const ipBytes = (address: Ip): Uint8Array => Uint8Array.from(ipaddr.parse(address).toByteArray())

/** The address of 4 or 16 bytes in network order. */
export const ipFromBytes = (bytes: Uint8Array): Ip =>
  canonical(ipaddr.process(ipaddr.fromByteArray([...bytes]).toString()))

/** Network address and prefix length of a target; one address has its full length. */
export function networkOf(target: Target): { readonly network: Ip; readonly bits: number } {
  const [network, bits] = target.split('/')
  return { network: network as Ip, bits: bits === undefined ? (isIpv6(target) ? 128 : 32) : Number(bits) }
}

/** True when every address of `inner` lies in `outer`. */
export function contains(outer: Target, inner: Target): boolean {
  if (isIpv6(outer) !== isIpv6(inner)) return false
  const [around, within] = [networkOf(outer), networkOf(inner)]
  if (around.bits > within.bits) return false
  return ipaddr.parse(within.network).match(ipaddr.parse(around.network), around.bits)
}

/** True when the two share an address. */
export const overlaps = (a: Target, b: Target): boolean => contains(a, b) || contains(b, a)

/** IPv4 address of its 32-bit value (signed or unsigned). */
export const formatIpv4 = (value: number): Ip =>
  `${value >>> 24}.${(value >>> 16) & 255}.${(value >>> 8) & 255}.${value & 255}` as Ip

/** IPv6 address of four 32-bit words in network order, as RFC 5952 writes it. */
export function formatIpv6(w0: number, w1: number, w2: number, w3: number): Ip {
  const parts: number[] = []
  for (const word of [w0, w1, w2, w3]) parts.push(word >>> 16, word & 0xffff)
  return canonical(new ipaddr.IPv6(parts))
}

const canonical = (parsed: ipaddr.IPv4 | ipaddr.IPv6): Ip =>
  (parsed.kind() === 'ipv4' ? parsed.toString() : (parsed as ipaddr.IPv6).toRFC5952String()) as Ip
