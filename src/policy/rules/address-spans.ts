import { without } from '#lib/spans.ts'
import { type Ip, ipBytes, networkOf, parseIp, parseTarget } from '#model/address.ts'
import type { AddressSpans, IpFamily } from '#model/rule.ts'

/** One span of one family, both ends included. */
export type AddressSpan =
  | { readonly family: 4; readonly first: number; readonly last: number }
  | { readonly family: 6; readonly first: bigint; readonly last: bigint }

const V4_BITS = 32
const V6_BITS = 128n

/** Reads an address, a CIDR range or `first-last` as a person types it; undefined when it is none of them. */
export function parseAddressSpan(text: string): AddressSpan | undefined {
  return plainIpv4(text) ?? cidrSpan(text) ?? dashSpan(text)
}

/** The most common text by far, in lists of a million: digits and dots, nothing else. */
function plainIpv4(text: string): AddressSpan | undefined {
  const value = ipv4Number(text)
  return value === undefined ? undefined : { family: 4, first: value, last: value }
}

function ipv4Number(text: string): number | undefined {
  if (text.length < 7 || text.length > 15) return undefined
  let value = 0
  let start = 0
  for (let dots = 0; dots < 4; dots++) {
    const dot = dots === 3 ? text.length : text.indexOf('.', start)
    const part = decimalByte(text, start, dot)
    if (part === undefined) return undefined
    value = value * 256 + part
    start = dot + 1
  }
  return value
}

/** No leading zero: some read it as octal. */
function decimalByte(text: string, start: number, end: number): number | undefined {
  const digits = end - start
  if (digits < 1 || digits > 3 || (digits > 1 && text.charCodeAt(start) === 48)) return undefined
  let value = 0
  for (let at = start; at < end; at++) {
    const digit = text.charCodeAt(at) - 48
    if (digit < 0 || digit > 9) return undefined
    value = value * 10 + digit
  }
  return value <= 255 ? value : undefined
}

function cidrSpan(text: string): AddressSpan | undefined {
  const target = parseTarget(text)
  if (target === undefined) return undefined
  const { network, bits } = networkOf(target)
  const first = numberOf(network)
  if (typeof first === 'number') {
    return { family: 4, first, last: first + 2 ** (V4_BITS - bits) - 1 }
  }
  return { family: 6, first, last: first + (1n << (V6_BITS - BigInt(bits))) - 1n }
}

function dashSpan(text: string): AddressSpan | undefined {
  const [from, to, ...rest] = text.split('-').map((part) => parseIp(part.trim()))
  if (from === undefined || to === undefined || rest.length > 0) return undefined
  const [first, last] = [numberOf(from), numberOf(to)]
  if (typeof first === 'number' && typeof last === 'number' && first <= last) {
    return { family: 4, first, last }
  }
  if (typeof first === 'bigint' && typeof last === 'bigint' && first <= last) {
    return { family: 6, first, last }
  }
  return undefined
}

/** An IPv4 address as an unsigned 32-bit number, an IPv6 address as a bigint. */
function numberOf(address: Ip): number | bigint {
  const bytes = ipBytes(address)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return bytes.length === 4 ? view.getUint32(0) : (view.getBigUint64(0) << 64n) | view.getBigUint64(8)
}

/** Sorts, and joins what shares or touches. */
export function joinSpans(spans: Iterable<AddressSpan>): AddressSpans {
  const v4: [number, number][] = []
  const v6: [bigint, bigint][] = []
  for (const span of spans) {
    if (span.family === 4) v4.push([span.first, span.last])
    else v6.push([span.first, span.last])
  }
  v4.sort((a, b) => a[0] - b[0])
  v6.sort((a, b) => (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0))
  return { v4: Uint32Array.from(joined(v4, 1)), v6: joined(v6, 1n) }
}

function joined<Value extends number | bigint>(sorted: readonly [Value, Value][], one: Value): Value[] {
  const flat: Value[] = []
  for (const [first, last] of sorted) {
    const end = flat.at(-1)
    if (end === undefined || first > (((end as never) + (one as never)) as Value)) flat.push(first, last)
    else if (last > end) flat[flat.length - 1] = last
  }
  return flat
}

/** The spans one by one. */
export function spansIn({ v4, v6 }: AddressSpans): AddressSpan[] {
  const spans: AddressSpan[] = []
  for (let at = 0; at < v4.length; at += 2)
    spans.push({ family: 4, first: v4[at] as number, last: v4[at + 1] as number })
  for (let at = 0; at < v6.length; at += 2)
    spans.push({ family: 6, first: v6[at] as bigint, last: v6[at + 1] as bigint })
  return spans
}

/** The addresses of `all` that are not among `some`. */
export const withoutSpans = (all: AddressSpans, some: AddressSpans): AddressSpans => ({
  v4: Uint32Array.from(without(all.v4, some.v4, 1)),
  v6: without(all.v6, some.v6, 1n),
})

/** Whether the address lies in one of the spans. */
export function holdsAddress(spans: AddressSpans, address: Ip): boolean {
  const value = numberOf(address)
  return typeof value === 'number' ? within(spans.v4, value) : within(spans.v6, value)
}

const within = <Value extends number | bigint>(flat: ArrayLike<Value>, value: Value): boolean =>
  placeIn(flat, value) !== undefined

/** Where the span begins that the value is in. */
function placeIn<Value extends number | bigint>(flat: ArrayLike<Value>, value: Value): number | undefined {
  let [low, high] = [0, flat.length / 2 - 1]
  while (low <= high) {
    const middle = (low + high) >> 1
    if (value < (flat[middle * 2] as Value)) high = middle - 1
    else if (value > (flat[middle * 2 + 1] as Value)) low = middle + 1
    else return middle * 2
  }
  return undefined
}

/** True when every address of `inner` is in `outer`. */
export const coversAddresses = (outer: AddressSpans, inner: AddressSpans): boolean =>
  coversFlat(outer.v4, inner.v4) && coversFlat(outer.v6, inner.v6)

function coversFlat<Value extends number | bigint>(
  outer: ArrayLike<Value>,
  inner: ArrayLike<Value>,
): boolean {
  for (let index = 0; index < inner.length; index += 2) {
    const at = placeIn(outer, inner[index] as Value)
    if (at === undefined || (outer[at + 1] as Value) < (inner[index + 1] as Value)) return false
  }
  return true
}

export const isEmptySpans = (spans: AddressSpans): boolean => spans.v4.length === 0 && spans.v6.length === 0

export const familyOfAddress = (address: Ip): IpFamily => (address.includes(':') ? 6 : 4)

/** Addresses, ranges and comments (`#`, `;`), one to a line: a plain list. Answers what it could not read too. */
export function parsePlainList(text: string): {
  readonly spans: AddressSpans
  readonly count: number
  readonly unreadable: readonly { readonly line: number; readonly text: string }[]
} {
  const spans: AddressSpan[] = []
  const unreadable: { line: number; text: string }[] = []
  let line = 0
  for (let at = 0; at < text.length; ) {
    const newline = text.indexOf('\n', at)
    const end = newline < 0 ? text.length : newline
    line++
    const word = text.slice(at, end).replace(COMMENT, '').trim()
    at = end + 1
    if (word === '') continue
    const span = parseAddressSpan(word)
    if (span) spans.push(span)
    else if (unreadable.length < MAX_UNREADABLE) unreadable.push({ line, text: word })
  }
  return { spans: joinSpans(spans), count: spans.length, unreadable }
}

const COMMENT = /[#;].*$/
const MAX_UNREADABLE = 20
