import type { Packet } from './packet.ts'

/**
 * The events of the engine that a watcher may ask for; a missing method costs nothing. All run in the capture
 * loop: they allocate nothing unless they report. Time is always the packet's, so captures replay exactly.
 * For one packet they come in this order: flowEnded (of an older flow), flowOpened, flowAnswered, flowRefused, packet.
 */
export interface Watcher {
  /**
   * IP protocols that `packet` is about; absent: all. TCP or UDP packets then cost this watcher nothing unless it
   * names them; of further protocols it may be told all.
   */
  readonly protocols?: readonly number[]
  /** Which TCP and UDP packets `packet` is about; absent: all. A packet that is none of it costs this watcher nothing. */
  readonly wishes?: PacketWishes
  /** Every decoded IP packet, after its flow was looked up. */
  packet?(packet: Packet): void
  /** An ARP packet over Ethernet: see the `arp…` fields. It has no flow and no hosts. */
  arp?(packet: Packet): void
  /** An IP fragment that waits for others, or belongs to no datagram: it has addresses and hosts, but no ports and no flow. */
  fragment?(packet: Packet): void
  /** The first packet of a flow. `flow` is -1 when the flow table refused it: the packet still tells who and what. */
  flowOpened?(flow: number, packet: Packet): void
  /** A TCP handshake came to its end, or the other side of a UDP or ICMP flow answered. */
  flowAnswered?(flow: number, packet: Packet): void
  /** The other end said no: RST to a first packet, or an ICMP unreachable about it. `packet` is that answer. */
  flowRefused?(flow: number, packet: Packet): void
  /** The originator reset a TCP flow that was answered but never made: SYN, SYN-ACK, RST. `packet` is that RST. */
  flowAborted?(flow: number, packet: Packet): void
  /** A flow leaves the table: its columns are still readable during the call. `reason` indexes END_REASONS. */
  flowEnded?(flow: number, reason: number): void
  /** A host left the table: forget it, its number will be another's. */
  hostForgotten?(host: number): void
  /** A block of this host came to its end: what it did before is settled, and counts no more. */
  hostReleased?(host: number): void
  /** About once a second of packet time, to forget what is stale. Milliseconds since the epoch. */
  tick?(now: number): void
}

/**
 * What a watcher may wish a TCP or UDP packet to be; any one of it is enough. It can be told of packets that others
 * wished for: it looks for itself.
 */
export interface PacketWishes {
  /** TCP with SYN. */
  readonly syn?: true
  /** From the originator, in no flow, or in one that is unanswered, was seen from one side only, or was reset. */
  readonly loose?: true
  /** Put together from fragments. */
  readonly reassembled?: true
  /** TCP with data that begins with one of these characters. */
  readonly openings?: string
  /** UDP from, or to, one of these ports. */
  readonly fromPorts?: readonly number[]
  readonly toPorts?: readonly number[]
  /** Of a flow that somebody asked to follow. */
  readonly followed?: true
}
