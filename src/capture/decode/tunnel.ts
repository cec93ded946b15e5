/** Hot: runs per packet. Allocates nothing. */
import type { Packet } from '#model/packet.ts'
import type { Cursor } from './cursor.ts'
import { ETHERTYPE_ETHERNET, ETHERTYPE_IPV4, ETHERTYPE_IPV6, isNetwork, isTag } from './link.ts'
import { PACKET, TOO_DEEP, TUNNEL } from './outcome.ts'

const MOST_TUNNELS = 4

const GRE_CHECKSUM = 0x8000
const GRE_ROUTING = 0x4000
const GRE_KEY = 0x2000
const GRE_SEQUENCE = 0x1000
const GRE_VERSION = 0x0007

const VXLAN_HEADER = 8
const VXLAN_HAS_NETWORK = 0x08
const ETHERNET_HEADER = 14

/** IP in IP (RFC 2003) and IPv6 in IPv4 (RFC 4213): the inner header follows at once. */
export function enterIp(cursor: Cursor, packet: Packet): number {
  cursor.etherType = cursor.protocol === 4 ? ETHERTYPE_IPV4 : ETHERTYPE_IPV6
  return enter(packet)
}

/** RFC 2784 and 2890. Answers PACKET for what is not IP or Ethernet inside (PPTP, say): the outer packet counts. */
export function enterGre(cursor: Cursor, packet: Packet): number {
  const { view, at, end } = cursor
  if (end - at < 4) return PACKET
  const flags = view.getUint16(at)
  if ((flags & (GRE_ROUTING | GRE_VERSION)) !== 0) return PACKET
  const etherType = view.getUint16(at + 2)
  const known =
    etherType === ETHERTYPE_IPV4 || etherType === ETHERTYPE_IPV6 || etherType === ETHERTYPE_ETHERNET
  let length = 4
  if ((flags & GRE_CHECKSUM) !== 0) length += 4
  if ((flags & GRE_KEY) !== 0) length += 4
  if ((flags & GRE_SEQUENCE) !== 0) length += 4
  if (!known || end - at < length) return PACKET
  cursor.etherType = etherType
  cursor.at = at + length
  return enter(packet)
}

/** RFC 7348. What does not look like VXLAN is UDP to that port, nothing else. */
export function enterVxlan(cursor: Cursor, packet: Packet): number {
  const { view, end } = cursor
  const at = packet.payloadStart
  if (end - at < VXLAN_HEADER + ETHERNET_HEADER) return PACKET
  if ((view.getUint8(at) & VXLAN_HAS_NETWORK) === 0) return PACKET
  const inner = view.getUint16(at + VXLAN_HEADER + 12)
  if (!isNetwork(inner) && !isTag(inner)) return PACKET
  cursor.etherType = ETHERTYPE_ETHERNET
  cursor.at = at + VXLAN_HEADER
  return enter(packet)
}

function enter(packet: Packet): number {
  if (packet.tunnels === MOST_TUNNELS) return TOO_DEEP
  packet.tunnels++
  return TUNNEL
}
