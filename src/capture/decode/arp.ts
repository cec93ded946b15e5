/** Hot: runs per packet. Allocates nothing. */
import type { Packet } from '#model/packet.ts'
import type { Cursor } from './cursor.ts'
import { ARP, NOT_IP } from './outcome.ts'

/** Ethernet hardware (1), IPv4 protocol (0x0800), address lengths 6 and 4 (RFC 826). */
const ETHERNET_AND_IPV4 = 0x00010800
const LENGTHS_6_AND_4 = 0x0604

export function decodeArp(cursor: Cursor, packet: Packet): number {
  const { view, at } = cursor
  if (cursor.end - at < 28) return cursor.tooShort(28)
  if (view.getUint32(at) !== ETHERNET_AND_IPV4 || view.getUint16(at + 4) !== LENGTHS_6_AND_4) return NOT_IP
  packet.version = 0
  packet.networkStart = at
  packet.arpOperation = view.getUint16(at + 6)
  packet.arpSenderMacHigh = view.getUint16(at + 8)
  packet.arpSenderMacLow = view.getInt32(at + 10)
  packet.source0 = view.getInt32(at + 14)
  packet.target0 = view.getInt32(at + 24)
  packet.source1 = packet.source2 = packet.source3 = 0
  packet.target1 = packet.target2 = packet.target3 = 0
  return ARP
}
