/** Hot: runs per packet. Allocates nothing. */
import type { Packet } from '#model/packet.ts'
import type { Cursor } from './cursor.ts'
import type { Fragments } from './fragments.ts'
import { CUT_OFF, MALFORMED, NEXT } from './outcome.ts'

const SHORTEST_HEADER = 20
const MORE_FRAGMENTS = 0x2000
const OFFSET_AND_MORE = 0x3fff
/** BIG TCP: the kernel joins more than 16 bits can count and writes 0 (include/net/ip.h, iph_totlen). */
const UNCOUNTABLE = 0x10000

/** Reads an IPv4 header (RFC 791): `cursor` then stands at the transport header, of a reassembled datagram too. */
export function decodeIpv4(cursor: Cursor, packet: Packet, fragments: Fragments): number {
  const { view, at } = cursor
  if (cursor.end - at < SHORTEST_HEADER) return cursor.tooShort(SHORTEST_HEADER)
  const first = view.getUint8(at)
  const headerLength = (first & 15) << 2
  if (first >>> 4 !== 4 || headerLength < SHORTEST_HEADER) return MALFORMED
  let length = view.getUint16(at + 2)
  if (length === 0 && cursor.wireEnd - at >= UNCOUNTABLE) length = cursor.wireEnd - at
  const wireEnd = at + length
  if (length < headerLength || wireEnd > cursor.wireEnd) return MALFORMED
  if (at + headerLength > cursor.end) return CUT_OFF

  packet.version = 4
  packet.networkStart = at
  packet.ttl = view.getUint8(at + 8)
  packet.source0 = view.getInt32(at + 12)
  packet.target0 = view.getInt32(at + 16)
  packet.source1 = packet.source2 = packet.source3 = 0
  packet.target1 = packet.target2 = packet.target3 = 0
  cursor.protocol = view.getUint8(at + 9)
  cursor.at = at + headerLength
  // Ethernet pads short frames: what follows the datagram is not part of it.
  cursor.wireEnd = wireEnd
  if (cursor.end > wireEnd) cursor.end = wireEnd

  const fragment = view.getUint16(at + 6) & OFFSET_AND_MORE
  if (fragment === 0) return NEXT
  const offset = (fragment & ~MORE_FRAGMENTS) << 3
  return fragments.hold(cursor, packet, view.getUint16(at + 4), offset, (fragment & MORE_FRAGMENTS) !== 0)
}
