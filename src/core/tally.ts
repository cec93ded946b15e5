import type { CaptureCounts, FlowsReport, WatchedInterface } from '#model/capture-report.ts'

const NONE: CaptureCounts = {
  packets: 0,
  bytes: 0,
  flows: 0,
  hosts: 0,
  refusedFlows: 0,
  refusedHosts: 0,
  evictedFlows: 0,
  undecodable: 0,
}

/** What the capture thread last said of itself, and how often each detector spoke. */
export interface Tally {
  take(report: Pick<FlowsReport, 'counts' | 'interfaces'>): void
  spoke(detector: string): void
  readonly counts: CaptureCounts
  readonly interfaces: readonly WatchedInterface[]
  readonly findings: ReadonlyMap<string, number>
}

export function createTally(): Tally {
  const findings = new Map<string, number>()
  let counts = NONE
  let interfaces: readonly WatchedInterface[] = []
  return {
    take(report) {
      counts = report.counts
      interfaces = report.interfaces
    },
    spoke: (detector) => void findings.set(detector, (findings.get(detector) ?? 0) + 1),
    get counts() {
      return counts
    },
    get interfaces() {
      return interfaces
    },
    findings,
  }
}
