import type { Ip } from './address.ts'
import type { DecoyOrder, DecoyStatus } from './decoy.ts'
import type { Finding } from './finding.ts'
import type { FlowRecord } from './flow.ts'
import type { FlowNote } from './flow-note.ts'
import type { PartHealth } from './health.ts'
import type { NameReport } from './name.ts'
import type { RecordedPackets, RecordingOrder } from './recording.ts'

/** What the capture thread did since its start: the numbers of the status. */
export interface CaptureCounts {
  /** Frames, and their bytes on the wire. */
  readonly packets: number
  readonly bytes: number
  /** Flows and hosts in the tables now. */
  readonly flows: number
  readonly hosts: number
  /** Refusals of the full tables. */
  readonly refusedFlows: number
  readonly refusedHosts: number
  /** Flows that a full table let go early so that new ones could come. */
  readonly evictedFlows: number
  /** Frames that could not be decoded. */
  readonly undecodable: number
}

/** One watched interface, over all its comings and goings. */
export interface WatchedInterface {
  readonly name: string
  readonly received: number
  /** Lost because we were too slow. */
  readonly dropped: number
}

/**
 * Flows since the last report, a part of them: a round a few times a second comes in parts of at most 100 changed
 * and 100 ended flows. Bounded: what a flood adds waits or is counted, so that it cannot swamp the reader.
 */
export interface FlowsReport {
  readonly kind: 'flows'
  /** New or with new packets, the proven first: in a round at most 5,000, of them 250 that are not (flow-reports.ts). */
  readonly changed: readonly FlowRecord[]
  /** Over, with `ended` set; of the unproven 250 in a round. What was told as changed is told as ended. */
  readonly ended: readonly FlowRecord[]
  /** Flows that wait for a later report, and ended flows that are in none. */
  readonly unreported: number
  /** Findings since the start that were not told because too many came within a second. */
  readonly untoldFindings: number
  readonly counts: CaptureCounts
  readonly interfaces: readonly WatchedInterface[]
}

/** From the capture thread to the main thread. A finding is sent at once, flows a few times a second. */
export type CaptureReport =
  | FlowsReport
  | { readonly kind: 'finding'; readonly finding: Finding }
  /** Names that were seen since the last such report: before the flows that they belong to. */
  | { readonly kind: 'names'; readonly names: readonly NameReport[] }
  | { readonly kind: 'notes'; readonly notes: readonly FlowNote[] }
  | { readonly kind: 'recorded'; readonly recorded: RecordedPackets }
  | { readonly kind: 'decoys'; readonly status: DecoyStatus }
  | { readonly kind: 'health'; readonly health: PartHealth }

/**
 * To the capture thread. `taken`: the last flows report was worked off, the next may come. `released`: a block of this
 * address came to its end. `detectors`: their settings from now on. `decoys`: what is a decoy from now on; without an order nothing is.
 */
export type CaptureRequest =
  | { readonly kind: 'taken' }
  | { readonly kind: 'released'; readonly address: Ip }
  | { readonly kind: 'detectors'; readonly settings: Readonly<Record<string, unknown>> }
  | { readonly kind: 'record'; readonly order: RecordingOrder }
  | { readonly kind: 'decoys'; readonly order?: DecoyOrder }
  | { readonly kind: 'stop' }
