import type { Ip } from './address.ts'
import type { Owner } from './owner.ts'

/** TCP as the wire shows it; other protocols are `open` or `answered`. */
export type FlowState =
  | 'syn-sent'
  | 'syn-received'
  | 'established'
  | 'closing'
  | 'closed'
  | 'reset'
  | 'open'
  | 'answered'

/** Why a flow is over: both sides finished, one reset, a probe was refused, it went quiet, or it made room. */
export type EndReason = 'finished' | 'reset' | 'refused' | 'timeout' | 'evicted' | 'shutdown'

/** Numeric codes of FlowState in the flow columns: the index in this list. */
export const FLOW_STATES: readonly FlowState[] = [
  'syn-sent',
  'syn-received',
  'established',
  'closing',
  'closed',
  'reset',
  'open',
  'answered',
]

export const END_REASONS: readonly EndReason[] = [
  'finished',
  'reset',
  'refused',
  'timeout',
  'evicted',
  'shutdown',
]

/** Flows as dense numbers; columns are read by flow id. */
export interface Flows {
  readonly capacity: number
  /** What FlowRecord.id will be. */
  number(flow: number): number
  readonly count: number
  readonly refused: number
  source(flow: number): number
  target(flow: number): number
  sourcePort(flow: number): number
  targetPort(flow: number): number
  protocol(flow: number): number
  state(flow: number): number
  /** Union of the TCP flags seen from originator and responder. */
  flagsForward(flow: number): number
  flagsBackward(flow: number): number
  /** Flags of the very first packet. */
  firstFlags(flow: number): number
  packetsForward(flow: number): number
  packetsBackward(flow: number): number
  bytesForward(flow: number): number
  bytesBackward(flow: number): number
  /** Milliseconds since the epoch. */
  openedAt(flow: number): number
  seenAt(flow: number): number
}

/** One flow as it leaves the capture thread. Plain data: it crosses threads. */
export interface FlowRecord {
  /** Unique for the run of the daemon and deterministic for a capture; a decimal number of up to 53 bits. */
  readonly id: number
  readonly communityId: string
  readonly protocol: number
  readonly interfaceName: string
  readonly vlan: number
  /** The originator, as the first packet shows it. */
  readonly source: Ip
  readonly sourcePort: number
  readonly target: Ip
  readonly targetPort: number
  readonly state: FlowState
  readonly openedAt: number
  readonly seenAt: number
  /** Set once the flow is over. */
  readonly ended?: EndReason
  readonly packetsForward: number
  readonly packetsBackward: number
  readonly bytesForward: number
  readonly bytesBackward: number
  /** Milliseconds from SYN to the ACK that completes the handshake, where seen. */
  readonly handshakeMs?: number
  readonly retransmitsForward: number
  readonly retransmitsBackward: number
  readonly tcpFlagsForward: number
  readonly tcpFlagsBackward: number
}

export type Direction = 'inbound' | 'outbound' | 'forward' | 'local'

/** A flow seen from this machine: what the page and the store show. */
export interface Connection extends FlowRecord {
  readonly direction: Direction
  /** The other end: the originator of an inbound flow, the target of any other. */
  readonly peer: Ip
  readonly peerPort: number
  readonly localPort: number
  readonly owner?: Owner
  /** What the peer is called, as far as it was seen. */
  readonly name?: string
  readonly nameSource?: NameSource
  /** Where the peer is: ISO 3166-1 alpha-2. Absent for private and unknown addresses. */
  readonly country?: string
  /** The autonomous system of the peer, and what it is called. */
  readonly asn?: number
  readonly asName?: string
  /** Ids of the threat lists that hold the peer or its name. */
  readonly listed?: readonly string[]
  /** How its client speaks TLS; of those that are open. */
  readonly ja3?: string
  readonly ja4?: string
  /** In files of a person's own. */
  readonly city?: string
  /** What the peer's address is reserved for: `private`, `documentation` … */
  readonly special?: string
}

/** Where a name comes from; what the flow itself said (TLS, HTTP) wins over what was asked of DNS before it. */
export type NameSource = 'dns' | 'tls' | 'http' | 'mdns' | 'ptr'
