import type { Search } from '#contract/search/search.ts'
import type { Alert } from '#model/alert.ts'
import type { AllowEntry } from '#model/allow.ts'
import type { Usual } from '#model/baseline.ts'
import type { Block } from '#model/block.ts'
import type { Opening } from '#model/call-home.ts'
import type { Decision } from '#model/decision.ts'
import type { EgressEntry } from '#model/egress.ts'
import type { FirstSeen, NewSighting, ProgramFile, SeenFile } from '#model/first-seen.ts'
import type { Connection } from '#model/flow.ts'
import type { PartHealth } from '#model/health.ts'
import type { CountedMinute, CountedPeriod } from '#model/program-bytes.ts'
import type { Summary, SummaryKind } from '#model/summary.ts'
import type { Trust } from '#model/trust.ts'
import type { Verification } from '#model/verification.ts'

export interface Slice<Item> {
  readonly items: readonly Item[]
  readonly total: number
  /** True: there are at least `total`; counting stopped there. */
  readonly totalIsFloor?: true
  /** Opaque cursor of the following slice. */
  readonly next?: string
}

export interface SliceRequest {
  readonly limit: number
  readonly cursor?: string
}

export interface SearchRequest extends SliceRequest {
  readonly search: Search
  /** Milliseconds since the epoch: blocks that are over by then are none. */
  readonly now: number
}

export interface SearchSlice extends Slice<Connection> {
  /** The search ended here for now, before the page was full: all found is newer. Milliseconds since the epoch. */
  readonly searchedTo?: number
}

export interface SummaryRequest {
  readonly kind: SummaryKind
  /** Milliseconds since the epoch; absent: from the beginning, until now. */
  readonly since?: number
  readonly until?: number
  /** Only flows that this finds. */
  readonly search?: Search
  /** Only these rows of the sums of hours. */
  readonly keys?: readonly string[]
  readonly limit: number
  readonly now: number
}

export interface SummarySlice {
  /** Most bytes first. */
  readonly items: readonly Summary[]
  /** Of all keys. */
  readonly total: number
  /** The period that the answer is about: whole hours where it comes from the sums of hours. */
  readonly since: number
  readonly until: number
  /** False: there was no time to go back further than `since`. */
  readonly isComplete: boolean
}

export interface CountedRequest {
  /** Milliseconds since the epoch; absent: from the beginning, until now. */
  readonly since?: number
  readonly until?: number
  /** Only these, as in summaries. */
  readonly programs?: readonly string[]
  readonly limit: number
  readonly now: number
}

export interface FirstSeenRequest {
  /** As in summaries: the path of the program. */
  readonly program?: string
  /** A host or country. */
  readonly peer?: string
  readonly since?: number
  readonly limit: number
}

export interface TimelineRequest {
  /** Milliseconds since the epoch. */
  readonly since: number
  readonly until: number
  readonly bucketMs: number
}

export interface TimelineSlice {
  /** As asked for, or whole hours where the period is too busy to count in smaller ones. */
  readonly bucketMs: number
  readonly lanes: readonly {
    readonly id: 'exec' | 'names' | 'flows' | 'alerts' | 'decisions'
    readonly counts: readonly number[]
    /** Before this nothing was counted. */
    readonly reachesTo: number
  }[]
  /** Newest first, both bounded. */
  readonly starts: readonly { readonly at: number; readonly pid: number; readonly program: string }[]
  readonly firsts: readonly { readonly at: number; readonly program: string; readonly peer: string }[]
}

/** What the store knew when it was opened: the parts go on from here. */
export interface Remembered {
  readonly blocks: readonly Block[]
  readonly allow: readonly AllowEntry[]
  /** Recent alerts that a repeat may still fold into. */
  readonly alerts: readonly Alert[]
  readonly lastAlertId: number
  /** Blocks that detectors asked for and what was unblocked, oldest first: who was blocked before is blocked longer. */
  readonly past: readonly Decision[]
  readonly trusts: readonly Trust[]
  readonly lastDecisionId: number
  /** When the first program that is remembered was seen: since then this machine is watched. */
  readonly watchedSince?: number
}

/** Where nothing can be read. */
export const NOTHING_REMEMBERED: Remembered = {
  blocks: [],
  past: [],
  trusts: [],
  allow: [],
  alerts: [],
  lastAlertId: 0,
  lastDecisionId: 0,
}

/** Memory that survives. Writes come back once they are on disk; a full disk or a broken file is `health`, never a throw. */
export interface Store {
  readonly remembered: Remembered
  readonly health: PartHealth
  /** Kept in batches: on disk within a second. */
  recordFlows(connections: readonly Connection[]): void
  recordAlert(alert: Alert): Promise<void>
  /** The decision and what it did to the list of blocks, in one transaction. */
  recordDecision(
    decision: Decision,
    change?: { readonly add?: Block; readonly remove?: Block['target'] },
  ): Promise<void>
  recordAllow(entries: readonly AllowEntry[]): Promise<void>
  recordTrust(trust: Trust): Promise<void>
  recordEgress(entry: EgressEntry): Promise<void>
  flows(
    request: SliceRequest & { readonly peer?: string; readonly since?: number; readonly until?: number },
  ): Promise<Slice<Connection>>
  /** Flows by any field, newest first. Bounded in time: a page may be short, and `next` then goes on. */
  search(request: SearchRequest): Promise<SearchSlice>
  summaries(request: SummaryRequest): Promise<SummarySlice>
  /** What came when, counted by bucket. */
  timeline(request: TimelineRequest): Promise<TimelineSlice>
  /** When programs, and programs with hosts and countries, were first seen; newest first. */
  firstSeen(request: FirstSeenRequest): Promise<readonly FirstSeen[]>
  /** Keeps which file a path names, and what it holds. On disk with the next flows. */
  recordProgramFile(file: SeenFile): void
  /** The files that a path named, newest first. */
  programFiles(path: string): Promise<readonly ProgramFile[]>
  /** Hears of programs, hosts and countries that were never seen before, once they are kept. One listener. */
  onNewSightings(listener: (sightings: readonly NewSighting[]) => void): void
  /** Keeps what observers learned. Lost where the disk refuses it. */
  recordUsual(usual: readonly Usual[]): void
  usual(): Promise<readonly Usual[]>
  /** Outbound connections of programs since then, newest first; at most 50,000. */
  openings(since: number): Promise<readonly Opening[]>
  /** Keeps what the kernel counted; false when it was not kept, and may be handed in again. */
  recordCounted(minutes: readonly CountedMinute[]): Promise<boolean>
  /** What the kernel counted of programs over a period: whole minutes of the last hours, whole hours before. */
  counted(request: CountedRequest): Promise<CountedPeriod>
  alerts(request: SliceRequest): Promise<Slice<Alert>>
  decisions(request: SliceRequest): Promise<Slice<Decision>>
  egress(request: SliceRequest): Promise<Slice<EgressEntry>>
  decision(id: number): Promise<Decision | undefined>
  /** Walks the hash chain of decisions. `head` is a link that somebody kept, as hex. */
  verify(head?: string): Promise<Verification>
  /** Writes what is pending and closes. */
  close(): Promise<void>
}
