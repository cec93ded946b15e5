import type { ZodType } from 'zod'
import type { Flows } from '#model/flow.ts'
import type { Hosts } from '#model/host.ts'
import type { Watcher } from '#model/watcher.ts'
import type { BorrowedNames } from './borrowed-names.ts'
import type { LinkSenders } from './link-senders.ts'
import type { ReportedFinding } from './reported-finding.ts'
import type { SelfTest } from './self-test/self-test.ts'

export type { ReportedFinding } from './reported-finding.ts'

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
  readonly selfTest: SelfTest
  watch(settings: Settings, context: WatchContext): Watcher
}

/** What a watcher may read, and what it may do. */
export interface WatchContext {
  readonly hosts: Hosts
  readonly flows: Flows
  /** Who sent what, as far as the link tells; a detector of scans tells it of probes. */
  readonly link: LinkSenders
  /** What is found out about scanners in several names. */
  readonly borrowed: BorrowedNames
  report(finding: ReportedFinding): void
  /** From now on each packet of this flow meets the wish `followed`, until the flow ends. */
  follow(flow: number): void
}

/** Gives a detector its types without naming them twice. */
export const defineDetector = <Settings>(detector: Detector<Settings>): Detector<Settings> => detector
