/** Hot: runs per packet. Allocates nothing. */
import type { Packet } from '#model/packet.ts'
import type { Cursor } from './cursor.ts'
import { decodeIcmp } from './icmp.ts'
import { MALFORMED, PACKET, TUNNEL } from './outcome.ts'
import { enterGre, enterIp, enterVxlan } from './tunnel.ts'

const TCP_HEADER = 20
/** Enough of a TCP header for ports, numbers and flags, where the capture was cut short. */
const TCP_FLAGS_END = 14
const VXLAN_PORT = 4789

/** Reads the transport header; answers TUNNEL when `cursor` now stands at an inner network or link header. */
export function decodeTransport(cursor: Cursor, packet: Packet): number {
  packet.protocol = cursor.protocol
  switch (cursor.protocol) {
    case 6:
      return decodeTcp(cursor, packet)
    case 17:
      return decodeUdp(cursor, packet)
    case 1:
    case 58:
      return decodeIcmp(cursor, packet)
    case 132:
      return decodeSctp(cursor, packet)
    case 4:
    case 41:
      return enterIp(cursor, packet)
    case 47:
      return enterGre(cursor, packet) === TUNNEL ? TUNNEL : decodeOther(cursor, packet)
    default:
      return decodeOther(cursor, packet)
  }
}

/** RFC 9293 §3.1. */
function decodeTcp(cursor: Cursor, packet: Packet): number {
  const { view, at, end } = cursor
  const wire = cursor.wireEnd - at
  if (wire < TCP_HEADER) return MALFORMED
  if (end - at < TCP_FLAGS_END) return cursor.tooShort(TCP_HEADER)
  const headerLength = (view.getUint8(at + 12) >>> 4) << 2
  if (headerLength < TCP_HEADER || headerLength > wire) return MALFORMED
  packet.sourcePort = view.getUint16(at)
  packet.targetPort = view.getUint16(at + 2)
  packet.tcpSequence = view.getInt32(at + 4)
  packet.tcpAcknowledgement = view.getInt32(at + 8)
  packet.tcpFlags = view.getUint8(at + 13)
  packet.tcpWindow = end - at >= 16 ? view.getUint16(at + 14) : 0
  const start = at + headerLength
  packet.payloadStart = Math.min(start, end)
  packet.payloadEnd = end
  packet.payloadLength = wire - headerLength
  return PACKET
}

/** RFC 768. A length of 0 is a jumbogram's (RFC 2675): then IP knows. */
function decodeUdp(cursor: Cursor, packet: Packet): number {
  const { view, at } = cursor
  const wire = cursor.wireEnd - at
  if (cursor.end - at < 8) return cursor.tooShort(8)
  const length = view.getUint16(at + 4) || wire
  if (length < 8 || length > wire) return MALFORMED
  packet.sourcePort = view.getUint16(at)
  packet.targetPort = view.getUint16(at + 2)
  cursor.wireEnd = at + length
  if (cursor.end > cursor.wireEnd) cursor.end = cursor.wireEnd
  packet.payloadStart = at + 8
  packet.payloadEnd = cursor.end
  packet.payloadLength = length - 8
  return packet.targetPort === VXLAN_PORT ? enterVxlan(cursor, packet) : PACKET
}

/** RFC 9260: the common header is 12 bytes, ports first. */
function decodeSctp(cursor: Cursor, packet: Packet): number {
  const { view, at, end } = cursor
  if (end - at < 4 || cursor.wireEnd - at < 12) return cursor.tooShort(12)
  packet.sourcePort = view.getUint16(at)
  packet.targetPort = view.getUint16(at + 2)
  packet.payloadStart = Math.min(at + 12, end)
  packet.payloadEnd = end
  packet.payloadLength = cursor.wireEnd - at - 12
  return PACKET
}

function decodeOther(cursor: Cursor, packet: Packet): number {
  packet.sourcePort = 0
  packet.targetPort = 0
  packet.payloadStart = cursor.at
  packet.payloadEnd = cursor.end
  packet.payloadLength = cursor.wireEnd - cursor.at
  return PACKET
}
