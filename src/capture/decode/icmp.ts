/** Hot: runs per packet. Allocates nothing. */
import { type Packet, PROTOCOL } from '#model/packet.ts'
import type { Cursor } from './cursor.ts'
import { PACKET } from './outcome.ts'

const NONE = -1
/** The type that answers a type; these messages make flows of two directions (Community ID v1, "ICMP"). */
const ANSWER_4 = pairs([8, 0], [13, 14], [15, 16], [17, 18], [10, 9])
const ANSWER_6 = pairs([128, 129], [133, 134], [135, 136], [130, 131], [139, 140], [144, 145])

function pairs(...both: readonly (readonly [number, number])[]): Int16Array {
  const answers = new Int16Array(256).fill(NONE)
  for (const [ask, answer] of both) {
    answers[ask] = answer
    answers[answer] = ask
  }
  return answers
}

/** What stands for the second port of an ICMP message: the answering type, else the code. */
const secondPort = (answers: Int16Array, type: number, code: number): number => {
  const answer = answers[type] ?? NONE
  return answer === NONE ? code : answer
}

/** Type and code, and of an error the packet that it is about. `cursor` stands at the ICMP header. */
export function decodeIcmp(cursor: Cursor, packet: Packet): number {
  const { view, at } = cursor
  if (cursor.end - at < 4 || cursor.wireEnd - at < 8) return cursor.tooShort(8)
  const six = cursor.protocol === PROTOCOL.icmpv6
  const type = view.getUint8(at)
  packet.sourcePort = type
  packet.targetPort = secondPort(six ? ANSWER_6 : ANSWER_4, type, view.getUint8(at + 1))
  packet.payloadLength = cursor.wireEnd - at - 8
  packet.payloadStart = Math.min(at + 8, cursor.end)
  packet.payloadEnd = cursor.end
  if (six) {
    if (type >= 1 && type <= 4) readQuoted6(cursor, packet)
  } else if (type === 3 || type === 4 || type === 5 || type === 11 || type === 12) readQuoted4(cursor, packet)
  return PACKET
}

/** RFC 792: the header and at least 8 bytes of the datagram in question. Left out when any of it is missing. */
function readQuoted4(cursor: Cursor, packet: Packet): void {
  const { view, end } = cursor
  const at = cursor.at + 8
  if (end - at < 24) return
  const first = view.getUint8(at)
  const transport = at + ((first & 15) << 2)
  if (first >>> 4 !== 4 || transport < at + 20 || end - transport < 4) return
  if ((view.getUint16(at + 6) & 0x1fff) !== 0) return
  packet.quotedSource0 = view.getInt32(at + 12)
  packet.quotedTarget0 = view.getInt32(at + 16)
  packet.quotedSource1 = packet.quotedSource2 = packet.quotedSource3 = 0
  packet.quotedTarget1 = packet.quotedTarget2 = packet.quotedTarget3 = 0
  readQuotedPorts(cursor, packet, transport, view.getUint8(at + 9))
}

/** RFC 4443: as much of the packet in question as fits. One without extension headers, as probes are. */
function readQuoted6(cursor: Cursor, packet: Packet): void {
  const { view, end } = cursor
  const at = cursor.at + 8
  if (end - at < 44 || view.getUint8(at) >>> 4 !== 6) return
  packet.quotedSource0 = view.getInt32(at + 8)
  packet.quotedSource1 = view.getInt32(at + 12)
  packet.quotedSource2 = view.getInt32(at + 16)
  packet.quotedSource3 = view.getInt32(at + 20)
  packet.quotedTarget0 = view.getInt32(at + 24)
  packet.quotedTarget1 = view.getInt32(at + 28)
  packet.quotedTarget2 = view.getInt32(at + 32)
  packet.quotedTarget3 = view.getInt32(at + 36)
  readQuotedPorts(cursor, packet, at + 40, view.getUint8(at + 6))
}

function readQuotedPorts(cursor: Cursor, packet: Packet, at: number, protocol: number): void {
  const { view } = cursor
  packet.quotedProtocol = protocol
  if (protocol === PROTOCOL.icmp || protocol === PROTOCOL.icmpv6) {
    const type = view.getUint8(at)
    const answers = protocol === PROTOCOL.icmp ? ANSWER_4 : ANSWER_6
    packet.quotedSourcePort = type
    packet.quotedTargetPort = secondPort(answers, type, view.getUint8(at + 1))
    return
  }
  const hasPorts = protocol === PROTOCOL.tcp || protocol === PROTOCOL.udp || protocol === PROTOCOL.sctp
  packet.quotedSourcePort = hasPorts ? view.getUint16(at) : 0
  packet.quotedTargetPort = hasPorts ? view.getUint16(at + 2) : 0
}
