/** Hot: runs per flow. Allocates nothing. */
import type { Flows } from '#model/flow.ts'
import { type Packet, PROTOCOL, TCP } from '#model/packet.ts'
import type { Attempts } from './attempts.ts'

/** How a flow begins, as a scan would: an index into PROBES, below 8. */
export const PROBE = { syn: 0, udp: 1, fin: 2, null: 3, xmas: 4, ack: 5, maimon: 6, ping: 7 } as const

export const PROBES = ['syn', 'udp', 'fin', 'null', 'xmas', 'ack', 'maimon', 'ping'] as const

/** No probe: an answer, or a packet from the middle of a flow whose begin we did not see. */
export const NO_PROBE = -1

const ALL_FLAGS = TCP.fin | TCP.syn | TCP.rst | TCP.psh | TCP.ack | TCP.urg
const ICMP_ECHO = 8
const ICMPV6_ECHO = 128

/** The kind of probe that a first packet with these flags can be. ICMP: `sourcePort` is the type. */
export function probeOf(protocol: number, flags: number, sourcePort: number): number {
  if (protocol === PROTOCOL.tcp) return tcpProbeOf(flags & ALL_FLAGS)
  if (protocol === PROTOCOL.udp) return PROBE.udp
  if (protocol === PROTOCOL.icmp && sourcePort === ICMP_ECHO) return PROBE.ping
  if (protocol === PROTOCOL.icmpv6 && sourcePort === ICMPV6_ECHO) return PROBE.ping
  return NO_PROBE
}

function tcpProbeOf(flags: number): number {
  if (flags === TCP.syn) return PROBE.syn
  if (flags === TCP.ack) return PROBE.ack
  if (flags === (TCP.fin | TCP.ack)) return PROBE.maimon
  // SYN-ACK and RST answer somebody; other ACKs are the middle of a flow (RFC 9293 §3.10).
  if ((flags & (TCP.ack | TCP.rst)) !== 0) return NO_PROBE
  if ((flags & TCP.syn) !== 0) return PROBE.syn
  if (flags === 0) return PROBE.null
  return flags === TCP.fin ? PROBE.fin : PROBE.xmas
}

/** FIN, NULL and XMAS packets begin nothing: no honest stack sends them, so they are evidence by themselves. */
export const isUnlawful = (probe: number): boolean =>
  probe === PROBE.fin || probe === PROBE.null || probe === PROBE.xmas

/** Ports that systems choose for themselves begin here: Linux; others begin higher (RFC 6056). */
const FIRST_OWN_PORT = 32_768

/** A service that answers clients whose begin we did not see: DNS from its low port, SSDP from 1900 to a high one. */
export const looksLikeReply = (sourcePort: number, targetPort: number): boolean =>
  (sourcePort < 1024 && targetPort >= 1024) || (sourcePort < FIRST_OWN_PORT && targetPort >= FIRST_OWN_PORT)

/** Every TCP stack of a general system sends at least 12 bytes of options with a SYN; scanners 0 or 4. */
export function isForgedSyn(packet: Packet): boolean {
  const ipHeader = packet.version === 4 ? (packet.view.getUint8(packet.networkStart) & 15) * 4 : 40
  return packet.payloadStart - packet.networkStart - ipHeader < 28
}

/**
 * True when an ICMP or ICMPv6 message (`packet`), or RST, says that somebody turned the probe away on purpose.
 * Host and network unreachable (RFC 792, RFC 4443 §3.1) only say that nobody is there.
 */
export function isRefusal(packet: Packet): boolean {
  const code = packet.targetPort
  if (packet.protocol === PROTOCOL.icmp) {
    return packet.sourcePort === 3 && (code === 2 || code === 3 || code === 9 || code === 10 || code === 13)
  }
  if (packet.protocol === PROTOCOL.icmpv6) {
    return packet.sourcePort === 1 && (code === 1 || code >= 4)
  }
  return true
}

/** Keeps the flow's first packet as proof. */
export function keepSample(attempts: Attempts, row: number, thing: number, flows: Flows, flow: number): void {
  if (attempts.samples.isFull(row)) return
  const length = Math.round(flows.bytesForward(flow) / Math.max(1, flows.packetsForward(flow)))
  attempts.samples.keep(
    row,
    flows.openedAt(flow),
    thing,
    flows.sourcePort(flow),
    flows.firstFlags(flow),
    length,
  )
}
