/** Hot: runs per packet. Allocates nothing. */
import type { Packet } from '#model/packet.ts'
import type { Cursor } from './cursor.ts'
import type { Fragments } from './fragments.ts'
import { MALFORMED, NEXT } from './outcome.ts'

const HEADER = 40
const MOST_EXTENSIONS = 8
const HOP_BY_HOP = 0
const ROUTING = 43
const FRAGMENT = 44
const AUTHENTICATION = 51
const DESTINATION_OPTIONS = 60
const MOBILITY = 135

/** Reads an IPv6 header and its extension headers (RFC 8200): `cursor` then stands at the transport header. */
export function decodeIpv6(cursor: Cursor, packet: Packet, fragments: Fragments): number {
  const { view, at } = cursor
  if (cursor.end - at < HEADER) return cursor.tooShort(HEADER)
  if (view.getUint8(at) >>> 4 !== 6) return MALFORMED
  let length = view.getUint16(at + 4)
  // A jumbogram (RFC 2675) or BIG TCP: its length does not fit.
  if (length === 0 && cursor.wireEnd - at > 0xffff) length = cursor.wireEnd - at - HEADER
  const wireEnd = at + HEADER + length
  if (wireEnd > cursor.wireEnd) return MALFORMED

  packet.version = 6
  packet.networkStart = at
  packet.ttl = view.getUint8(at + 7)
  packet.source0 = view.getInt32(at + 8)
  packet.source1 = view.getInt32(at + 12)
  packet.source2 = view.getInt32(at + 16)
  packet.source3 = view.getInt32(at + 20)
  packet.target0 = view.getInt32(at + 24)
  packet.target1 = view.getInt32(at + 28)
  packet.target2 = view.getInt32(at + 32)
  packet.target3 = view.getInt32(at + 36)
  cursor.at = at + HEADER
  cursor.wireEnd = wireEnd
  if (cursor.end > wireEnd) cursor.end = wireEnd
  const next = view.getUint8(at + 6)
  cursor.protocol = next
  return isExtension(next) ? skipExtensions(cursor, packet, fragments) : NEXT
}

const isExtension = (protocol: number): boolean =>
  protocol === HOP_BY_HOP ||
  protocol === ROUTING ||
  protocol === FRAGMENT ||
  protocol === AUTHENTICATION ||
  protocol === DESTINATION_OPTIONS ||
  protocol === MOBILITY

/** The chain is bounded: nobody needs more, and each link costs us time that the sender chooses. */
function skipExtensions(cursor: Cursor, packet: Packet, fragments: Fragments): number {
  for (let seen = 0; isExtension(cursor.protocol); seen++) {
    if (seen === MOST_EXTENSIONS) return MALFORMED
    if (cursor.end - cursor.at < 8) return cursor.tooShort(8)
    const outcome =
      cursor.protocol === FRAGMENT ? enterFragment(cursor, packet, fragments) : skipExtension(cursor)
    if (outcome !== NEXT) return outcome
  }
  return NEXT
}

function skipExtension(cursor: Cursor): number {
  const { view, at } = cursor
  const count = view.getUint8(at + 1)
  // The authentication header counts in words of 4 bytes, less 2 (RFC 4302); the others in 8, less 1.
  const length = cursor.protocol === AUTHENTICATION ? (count + 2) << 2 : (count + 1) << 3
  if (cursor.end - at < length) return cursor.tooShort(length)
  cursor.protocol = view.getUint8(at)
  cursor.at = at + length
  return NEXT
}

function enterFragment(cursor: Cursor, packet: Packet, fragments: Fragments): number {
  const { view, at } = cursor
  const field = view.getUint16(at + 2)
  cursor.protocol = view.getUint8(at)
  cursor.at = at + 8
  // An atomic fragment is a whole packet (RFC 6946).
  if ((field & 0xfff9) === 0) return NEXT
  return fragments.hold(cursor, packet, view.getInt32(at + 4), field & 0xfff8, (field & 1) !== 0)
}
