/** Hot: runs per packet. Allocates nothing. */
import type { Packet } from '#model/packet.ts'
import type { Cursor } from './cursor.ts'
import { MALFORMED, NEXT, NOT_IP, UNKNOWN_LINK } from './outcome.ts'

export const ETHERTYPE_IPV4 = 0x0800
const ETHERTYPE_ARP = 0x0806
export const ETHERTYPE_IPV6 = 0x86dd
export const ETHERTYPE_ETHERNET = 0x6558
/** 802.1Q, 802.1ad, and the number that QinQ had before it had a standard. */
const TAG_8021Q = 0x8100
const TAG_8021AD = 0x88a8
const TAG_OLD_QINQ = 0x9100
const MOST_TAGS = 4

/** Address families of null and loop headers: AF_INET, then AF_INET6 of Linux, NetBSD, FreeBSD and Darwin. */
const AF_INET = 2
const isFamilySix = (family: number): boolean =>
  family === 10 || family === 24 || family === 28 || family === 30

/** Reads the link header: `cursor` then stands at the network header, or at ARP. Link types: capture/source.ts. */
export function decodeLink(cursor: Cursor, packet: Packet, linkType: number): number {
  switch (linkType) {
    case 1:
      return decodeEthernet(cursor, packet)
    case 12:
    case 14:
    case 101:
    case 228:
    case 229:
      return decodeRaw(cursor)
    case 113:
      return decodeCooked(cursor, packet, 14, 16)
    case 276:
      return decodeCooked(cursor, packet, 0, 20)
    case 0:
    case 108:
      return decodeNull(cursor)
    default:
      return UNKNOWN_LINK
  }
}

export function decodeEthernet(cursor: Cursor, packet: Packet): number {
  const at = cursor.at
  if (cursor.end - at < 14) return cursor.tooShort(14)
  const etherType = cursor.view.getUint16(at + 12)
  cursor.at = at + 14
  cursor.etherType = etherType
  if (etherType === ETHERTYPE_IPV4 || etherType === ETHERTYPE_IPV6) return NEXT
  return skipTags(cursor, packet)
}

/** VLAN tags, outermost first. A card that took the outer tag out of the frame has set `packet.vlan` already. */
function skipTags(cursor: Cursor, packet: Packet): number {
  for (let tags = 0; isTag(cursor.etherType); tags++) {
    if (tags === MOST_TAGS) return MALFORMED
    if (cursor.end - cursor.at < 4) return cursor.tooShort(4)
    if (packet.vlan === 0 && packet.tunnels === 0) packet.vlan = cursor.view.getUint16(cursor.at) & 0xfff
    cursor.etherType = cursor.view.getUint16(cursor.at + 2)
    cursor.at += 4
  }
  return isNetwork(cursor.etherType) ? NEXT : NOT_IP
}

/** True for the tag types of VLAN and QinQ. */
export const isTag = (etherType: number): boolean =>
  etherType === TAG_8021Q || etherType === TAG_8021AD || etherType === TAG_OLD_QINQ

/** True for what the network layer reads: IP and ARP. */
export const isNetwork = (etherType: number): boolean =>
  etherType === ETHERTYPE_IPV4 || etherType === ETHERTYPE_IPV6 || etherType === ETHERTYPE_ARP

/** No link header: the first nibble says which IP it is. */
function decodeRaw(cursor: Cursor): number {
  if (cursor.end - cursor.at < 1) return cursor.tooShort(1)
  const version = cursor.view.getUint8(cursor.at) >>> 4
  cursor.etherType = version === 6 ? ETHERTYPE_IPV6 : ETHERTYPE_IPV4
  return version === 4 || version === 6 ? NEXT : NOT_IP
}

/** Four bytes of address family, in the byte order of the machine that captured (null) or the network's (loop). */
function decodeNull(cursor: Cursor): number {
  if (cursor.end - cursor.at < 4) return cursor.tooShort(4)
  const written = cursor.view.getUint32(cursor.at)
  const family = written > 0xffff ? cursor.view.getUint32(cursor.at, true) : written
  cursor.at += 4
  cursor.etherType = family === AF_INET ? ETHERTYPE_IPV4 : ETHERTYPE_IPV6
  return family === AF_INET || isFamilySix(family) ? NEXT : NOT_IP
}

/** Linux cooked capture v1 and v2: the EtherType at `typeAt` of a header of `length` bytes. */
function decodeCooked(cursor: Cursor, packet: Packet, typeAt: number, length: number): number {
  if (cursor.end - cursor.at < length) return cursor.tooShort(length)
  cursor.etherType = cursor.view.getUint16(cursor.at + typeAt)
  cursor.at += length
  return skipTags(cursor, packet)
}
