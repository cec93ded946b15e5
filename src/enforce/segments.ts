import { formatIpv4, formatIpv6, type Ip, ipBytes, networkOf, type Target } from '#model/address.ts'

/** What an interval set holds: addresses from `first` up to before `end`, which no other segment shares. */
export interface Segment {
  readonly first: bigint
  readonly end: bigint
  /** Milliseconds since the epoch; absent: no end. */
  readonly until?: number
  /** The narrowest range around it: its drops count for that one. */
  readonly owner: Target
}

export interface TimedRange {
  readonly target: Target
  readonly until?: number
}

interface Span extends TimedRange {
  readonly first: bigint
  readonly end: bigint
}

/**
 * Cuts ranges into segments that share no address, because an interval set refuses overlap. Two ranges either nest
 * or share nothing. A segment stays as long as the longest-lived range around it, so that an outer range may end,
 * or be unblocked, and an inner one stays in force, even when nobody is there to put it back.
 */
export function segmentsOf(ranges: Iterable<TimedRange>): Segment[] {
  const spans = Array.from(ranges, spanOf).sort((a, b) => compare(a.first, b.first) || compare(b.end, a.end))
  const segments: Segment[] = []
  const around: Span[] = []
  let from = 0n
  const cut = (to: bigint): void => {
    const innermost = around.at(-1)
    if (innermost && from < to) {
      segments.push({ first: from, end: to, owner: innermost.target, ...latestEnd(around) })
    }
    from = to
  }
  const leave = (upTo: bigint): void => {
    for (let inner = around.at(-1); inner && inner.end <= upTo; inner = around.at(-1)) {
      cut(inner.end)
      around.pop()
    }
  }

  for (const span of spans) {
    leave(span.first)
    cut(span.first)
    around.push(span)
  }
  leave(1n << 128n)
  return segments
}

/** The segment that has this address; `segments` in the order of `segmentsOf`. */
export function segmentAt(segments: readonly Segment[], address: bigint): Segment | undefined {
  let low = 0
  let high = segments.length - 1
  while (low <= high) {
    const middle = (low + high) >> 1
    const segment = segments[middle]
    if (segment === undefined) return undefined
    if (address < segment.first) high = middle - 1
    else if (address >= segment.end) low = middle + 1
    else return segment
  }
  return undefined
}

/** Same addresses for the same time. */
export const segmentKey = (segment: Segment): string =>
  `${segment.first}-${segment.end}@${segment.until ?? ''}`

export function addressNumber(bytes: Uint8Array): bigint {
  let value = 0n
  for (const byte of bytes) value = (value << 8n) | BigInt(byte)
  return value
}

/** The address after the last one has no bytes: `undefined`. */
export function addressBytes(value: bigint, length: 4 | 16): Uint8Array | undefined {
  if (value >> BigInt(length * 8)) return undefined
  const bytes = new Uint8Array(length)
  for (let at = length - 1, rest = value; at >= 0; at--, rest >>= 8n) bytes[at] = Number(rest & 0xffn)
  return bytes
}

/** Bytes of an address in canonical text: quick for IPv4, of which 100,000 may come at once. */
export function bytesOfAddress(address: Ip): Uint8Array {
  if (address.includes(':')) return ipBytes(address)
  const bytes = new Uint8Array(4)
  let part = 0
  for (let at = 0; at < address.length; at++) {
    const digit = address.charCodeAt(at) - 48
    if (digit < 0) part++
    else bytes[part] = (bytes[part] ?? 0) * 10 + digit
  }
  return bytes
}

/** Canonical text of 4 or 16 bytes: quick for IPv4, of which a dump brings many. */
export function addressText(bytes: Uint8Array): Ip {
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  return bytes.length === 4
    ? formatIpv4(view.getUint32(0))
    : formatIpv6(view.getUint32(0), view.getUint32(4), view.getUint32(8), view.getUint32(12))
}

function spanOf(range: TimedRange): Span {
  const { network, bits } = networkOf(range.target)
  const bytes = ipBytes(network)
  const first = addressNumber(bytes)
  return { ...range, first, end: first + (1n << BigInt(bytes.length * 8 - bits)) }
}

function latestEnd(ranges: readonly TimedRange[]): { readonly until?: number } {
  let latest = 0
  for (const { until } of ranges) {
    if (until === undefined) return {}
    latest = Math.max(latest, until)
  }
  return { until: latest }
}

const compare = (a: bigint, b: bigint): number => (a < b ? -1 : a > b ? 1 : 0)
