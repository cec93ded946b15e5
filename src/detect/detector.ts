import type { ZodType } from 'zod'
import type { Finding } from '#model/finding.ts'
import type { Flows } from '#model/flow.ts'
import type { Hosts } from '#model/host.ts'
import type { Packet } from '#model/packet.ts'

/**
 * One kind of suspicious behaviour. A detector is a file in `detectors/`: it is found by its
 * place, configured under its `id`, and can only report: it cannot block.
 */
export interface Detector<Settings> {
  readonly id: string
  readonly title: string
  /** MITRE ATT&CK technique id. */
  readonly technique: string
  readonly settings: ZodType<Settings>
  watch(settings: Settings, context: WatchContext): Watcher
}

/** What a watcher may read, and the one thing it may do. */
export interface WatchContext {
  readonly hosts: Hosts
  readonly flows: Flows
  report(finding: ReportedFinding): void
}

/** The engine adds the detector's id and technique. */
export type ReportedFinding = Omit<Finding, 'detector' | 'technique'>

/**
 * The events that a watcher may ask for; a missing method costs nothing. All run in the capture loop: they
 * allocate nothing unless they report. Time is always the packet's, so captures replay exactly.
 */
export interface Watcher {
  /** Every decoded IP packet, after its flow was looked up. */
  packet?(packet: Packet): void
  /** The first packet of a flow. `flow` is -1 when the flow table refused it: the packet still tells who and what. */
  flowOpened?(flow: number, packet: Packet): void
  /** A TCP handshake came to its end, or the other side of a UDP or ICMP flow answered. */
  flowAnswered?(flow: number, packet: Packet): void
  /** The other end said no: RST to a first packet, or an ICMP unreachable about it. */
  flowRefused?(flow: number, packet: Packet): void
  /** A flow left the table. */
  flowEnded?(flow: number): void
  /** A host left the table: forget it, its number will be another's. */
  hostForgotten?(host: number): void
  /** About once a second of packet time, to forget what is stale. Milliseconds since the epoch. */
  tick?(now: number): void
}

/** Gives a detector its types without naming them twice. */
export const defineDetector = <Settings>(detector: Detector<Settings>): Detector<Settings> => detector
