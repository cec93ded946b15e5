import { type Packet, PROTOCOL } from '#model/packet.ts'

const ETHERNET_BYTES = 14
const TCP_BYTES = 20
const TYPE = { 4: 0x0800, 6: 0x86dd } as const
const DONT_FRAGMENT = 0x4000
const HOP_LIMIT = 64

/** What a decoy says. Sequence numbers are taken modulo 2^32. */
export interface DecoyAnswer {
  readonly flags: number
  readonly sequence: number
  readonly acknowledgement: number
  readonly window: number
  readonly payload?: Uint8Array
}

/**
 * The frame that answers a TCP packet, from its target to its source and the way that it came. Undefined where no
 * Ethernet header stands right before its IP header: tunnels, tagged frames, links of another kind.
 */
export function answerTo(packet: Packet, answer: DecoyAnswer): Uint8Array | undefined {
  const { view, networkStart, vlan, tunnels } = packet
  const version = packet.version === 4 ? 4 : 6
  const start = networkStart - ETHERNET_BYTES
  if (vlan !== 0 || tunnels > 0 || packet.reassembled === 1 || start < 0) return undefined
  if (view.getUint16(networkStart - 2) !== TYPE[version]) return undefined
  const payload = answer.payload ?? new Uint8Array()
  const ipBytes = version === 4 ? 20 : 40
  const frame = new Uint8Array(ETHERNET_BYTES + ipBytes + TCP_BYTES + payload.length)
  const out = new DataView(frame.buffer)
  for (let at = 0; at < 6; at++) {
    frame[at] = view.getUint8(start + 6 + at)
    frame[6 + at] = view.getUint8(start + at)
  }
  out.setUint16(12, TYPE[version])
  if (version === 4) writeIpv4(out, packet)
  else writeIpv6(out, packet)
  writeTcp(out, ETHERNET_BYTES + ipBytes, packet, answer)
  frame.set(payload, ETHERNET_BYTES + ipBytes + TCP_BYTES)
  // The addresses stand right before the TCP header, in both versions.
  const from = ETHERNET_BYTES + ipBytes - (version === 4 ? 8 : 32)
  const pseudo = PROTOCOL.tcp + TCP_BYTES + payload.length
  out.setUint16(ETHERNET_BYTES + ipBytes + 16, checksum(out, from, frame.length, pseudo))
  return frame
}

function writeIpv4(out: DataView, { source0, target0 }: Packet): void {
  const at = ETHERNET_BYTES
  out.setUint8(at, 0x45)
  out.setUint16(at + 2, out.byteLength - ETHERNET_BYTES)
  out.setUint16(at + 6, DONT_FRAGMENT)
  out.setUint8(at + 8, HOP_LIMIT)
  out.setUint8(at + 9, PROTOCOL.tcp)
  out.setInt32(at + 12, target0)
  out.setInt32(at + 16, source0)
  out.setUint16(at + 10, checksum(out, at, at + 20, 0))
}

function writeIpv6(out: DataView, packet: Packet): void {
  const at = ETHERNET_BYTES
  out.setUint8(at, 0x60)
  out.setUint16(at + 4, out.byteLength - ETHERNET_BYTES - 40)
  out.setUint8(at + 6, PROTOCOL.tcp)
  out.setUint8(at + 7, HOP_LIMIT)
  const words = [
    ...[packet.target0, packet.target1, packet.target2, packet.target3],
    ...[packet.source0, packet.source1, packet.source2, packet.source3],
  ]
  words.forEach((word, index) => {
    out.setInt32(at + 8 + index * 4, word)
  })
}

function writeTcp(out: DataView, at: number, packet: Packet, answer: DecoyAnswer): void {
  out.setUint16(at, packet.targetPort)
  out.setUint16(at + 2, packet.sourcePort)
  out.setUint32(at + 4, answer.sequence >>> 0)
  out.setUint32(at + 8, answer.acknowledgement >>> 0)
  out.setUint8(at + 12, (TCP_BYTES / 4) << 4)
  out.setUint8(at + 13, answer.flags)
  out.setUint16(at + 14, answer.window)
}

/** RFC 1071. */
function checksum(view: DataView, from: number, to: number, start: number): number {
  let sum = start
  for (let at = from; at + 1 < to; at += 2) sum += view.getUint16(at)
  if ((to - from) % 2 === 1) sum += view.getUint8(to - 1) << 8
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  return ~sum & 0xffff
}
