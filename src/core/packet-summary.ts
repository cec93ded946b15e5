import { formatIpv4, formatIpv6 } from '#model/address.ts'
import { PROTOCOL } from '#model/packet.ts'
import type { PacketSummary } from '#model/ruled-packet.ts'

const IPV4_HEADER = 20
const IPV6_HEADER = 40
/** Extension headers whose second byte is their length in units of 8 bytes, less one (RFC 8200 §4). */
const EXTENSIONS: readonly number[] = [0, 43, 60, 135]
const FRAGMENT = 44
const MAX_EXTENSIONS = 8
/** With ports in their first four bytes: TCP, UDP, DCCP, SCTP, UDP-Lite. */
const WITH_PORTS: readonly number[] = [PROTOCOL.tcp, PROTOCOL.udp, 33, PROTOCOL.sctp, 136]
const TCP_HEADER = 20

/** Reads the headers of a packet that begins with its IP header, as far as they are there. Never throws. */
export function packetSummary(bytes: DataView): PacketSummary | undefined {
  if (bytes.byteLength < IPV4_HEADER) return undefined
  const version = bytes.getUint8(0) >> 4
  if (version === 4) return ipv4Summary(bytes)
  return version === 6 && bytes.byteLength >= IPV6_HEADER ? ipv6Summary(bytes) : undefined
}

function ipv4Summary(bytes: DataView): PacketSummary | undefined {
  const headerBytes = (bytes.getUint8(0) & 15) * 4
  if (headerBytes < IPV4_HEADER) return undefined
  const protocol = bytes.getUint8(9)
  const isFirst = (bytes.getUint16(6) & 0x1fff) === 0
  return {
    source: formatIpv4(bytes.getUint32(12)),
    target: formatIpv4(bytes.getUint32(16)),
    protocol,
    length: bytes.getUint16(2),
    ttl: bytes.getUint8(8),
    tos: bytes.getUint8(1),
    ...(isFirst && transportOf(bytes, headerBytes, protocol)),
  }
}

function ipv6Summary(bytes: DataView): PacketSummary {
  const words = (from: number): [number, number, number, number] => [
    bytes.getUint32(from),
    bytes.getUint32(from + 4),
    bytes.getUint32(from + 8),
    bytes.getUint32(from + 12),
  ]
  const { protocol, at } = pastExtensions(bytes)
  return {
    source: formatIpv6(...words(8)),
    target: formatIpv6(...words(24)),
    protocol,
    length: bytes.getUint16(4) + IPV6_HEADER,
    ttl: bytes.getUint8(7),
    tos: (bytes.getUint16(0) >> 4) & 255,
    ...(at !== undefined && transportOf(bytes, at, protocol)),
  }
}

/** The protocol behind extension headers, and where it begins; nowhere in a later fragment. */
function pastExtensions(bytes: DataView): { readonly protocol: number; readonly at?: number } {
  let [protocol, at] = [bytes.getUint8(6), IPV6_HEADER]
  for (let seen = 0; seen < MAX_EXTENSIONS && at + 8 <= bytes.byteLength; seen++) {
    if (protocol === FRAGMENT) {
      if ((bytes.getUint16(at + 2) & 0xfff8) !== 0) return { protocol: bytes.getUint8(at) }
      protocol = bytes.getUint8(at)
      at += 8
    } else if (EXTENSIONS.includes(protocol)) {
      const extensionUnits = bytes.getUint8(at + 1)
      protocol = bytes.getUint8(at)
      at += (extensionUnits + 1) * 8
    } else return { protocol, at }
  }
  return { protocol, at }
}

type Transport = Pick<PacketSummary, 'sourcePort' | 'targetPort' | 'tcp' | 'icmp'>

function transportOf(bytes: DataView, at: number, protocol: number): Transport {
  const isThere = (count: number): boolean => at + count <= bytes.byteLength
  if (protocol === PROTOCOL.icmp || protocol === PROTOCOL.icmpv6) {
    return isThere(2) ? { icmp: { type: bytes.getUint8(at), code: bytes.getUint8(at + 1) } } : {}
  }
  if (!WITH_PORTS.includes(protocol) || !isThere(4)) return {}
  const ports = { sourcePort: bytes.getUint16(at), targetPort: bytes.getUint16(at + 2) }
  if (protocol !== PROTOCOL.tcp || !isThere(TCP_HEADER)) return ports
  return {
    ...ports,
    tcp: {
      sequence: bytes.getUint32(at + 4),
      acknowledgement: bytes.getUint32(at + 8),
      flags: bytes.getUint8(at + 13),
      window: bytes.getUint16(at + 14),
    },
  }
}
