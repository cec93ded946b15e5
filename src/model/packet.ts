/** IP protocol numbers (IANA "Assigned Internet Protocol Numbers"). */
export const PROTOCOL = {
  icmp: 1,
  ipip: 4,
  tcp: 6,
  udp: 17,
  ipv6: 41,
  gre: 47,
  icmpv6: 58,
  sctp: 132,
} as const

/** TCP flag bits (RFC 9293 §3.1). */
export const TCP = { fin: 0x01, syn: 0x02, rst: 0x04, psh: 0x08, ack: 0x10, urg: 0x20 } as const

/** The name of an IP protocol, or its number as text. */
export const protocolName = (number: number): string => NAMES[number] ?? String(number)

const NAMES: Readonly<Record<number, string>> = {
  1: 'icmp',
  2: 'igmp',
  4: 'ipip',
  6: 'tcp',
  17: 'udp',
  41: 'ipv6',
  47: 'gre',
  50: 'esp',
  51: 'ah',
  58: 'icmpv6',
  103: 'pim',
  112: 'vrrp',
  132: 'sctp',
}

/**
 * One decoded packet. The engine owns a single instance and overwrites it for every packet:
 * read it before you return, never keep it. All fields are numbers; addresses are 32-bit words
 * in network order (IPv4 in word 0, the other words 0). Words and TCP sequence numbers are signed
 * (`>>> 0` makes them unsigned): a small integer is stored without a heap number.
 */
export class Packet {
  /** Milliseconds since the epoch, with the capture's own fraction. */
  at = 0
  /** Index of the interface in its source. */
  interfaceIndex = 0
  /** Bytes on the wire, link header included. */
  length = 0
  /** Outer VLAN id, 0 when untagged. */
  vlan = 0
  /** 4, 6, or 0 for a packet that is not IP (ARP). */
  version = 0
  source0 = 0
  source1 = 0
  source2 = 0
  source3 = 0
  target0 = 0
  target1 = 0
  target2 = 0
  target3 = 0
  protocol = 0
  /** Hop limit or TTL. */
  ttl = 0
  /**
   * Ports; for ICMP what Community ID puts in their place: the type, then the type of the answer where there is
   * one (echo: 8 and 0), else the code.
   */
  sourcePort = 0
  targetPort = 0
  tcpFlags = 0
  tcpSequence = 0
  tcpAcknowledgement = 0
  tcpWindow = 0
  /** 1 when the transport header came out of reassembled fragments. */
  reassembled = 0
  /** Tunnels around this packet: 0 for none. */
  tunnels = 0
  /** The bytes that payloadStart and payloadEnd point into. */
  view: DataView = new DataView(new ArrayBuffer(0))
  /** First byte of the IP header within `view`. */
  networkStart = 0
  /** Transport payload within `view`: [payloadStart, payloadEnd). */
  payloadStart = 0
  payloadEnd = 0
  /** Payload bytes that the headers promise, also where the capture was cut short. */
  payloadLength = 0
  /** For ICMP errors: the packet they are about (RFC 792, RFC 4443). */
  quotedProtocol = 0
  quotedSource0 = 0
  quotedSource1 = 0
  quotedSource2 = 0
  quotedSource3 = 0
  quotedSourcePort = 0
  quotedTargetPort = 0
  quotedTarget0 = 0
  quotedTarget1 = 0
  quotedTarget2 = 0
  quotedTarget3 = 0
  /**
   * ARP (RFC 826): 1 asks, 2 answers, 0 for a packet that is not ARP. Sender and target protocol addresses are
   * `source0` and `target0`; the sender's hardware address is 16 high and 32 low bits.
   */
  arpOperation = 0
  arpSenderMacHigh = 0
  arpSenderMacLow = 0
  /** Host ids of source and target; -1 when the host table refused them. */
  source = -1
  target = -1
  /** Flow id; -1 when the flow table refused it. */
  flow = -1
  /** 1 when this packet goes from the flow's originator to its responder, 0 on the way back. */
  forward = 1
}
