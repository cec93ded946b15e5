import type { AlertBook } from '#core/alert-book.ts'
import type { Gate } from '#core/gate.ts'
import type { LiveConnections } from '#core/live-connections.ts'
import type { OwnerAnswer, OwnerDesk } from '#core/owner-desk.ts'
import type { PeerDesk } from '#core/peer-desk.ts'
import { duration } from '#core/present.ts'
import type { Target } from '#model/address.ts'
import type { Alert } from '#model/alert.ts'
import type { Finding } from '#model/finding.ts'
import type { Connection, FlowRecord } from '#model/flow.ts'
import type { NameReport } from '#model/name.ts'
import { directionOf, type Standpoint } from '#model/standpoint.ts'
import type { Verdict } from '#model/verdict.ts'
import type { Store } from '#store/store.ts'

/**
 * THE MAP of the core.
 *
 *   flow    → owner → name and place → live list → store
 *   finding → alert → verdict → gate (allow list, kernel, record) → store → people
 *
 * The packet side, frame → packet → hosts → flow → detectors, is in watch.ts.
 */
export interface PipelineParts {
  readonly owners: OwnerDesk
  readonly peers: PeerDesk
  readonly live: LiveConnections
  readonly alerts: AlertBook
  readonly gate: Gate
  readonly store: Pick<Store, 'recordFlows' | 'recordAlert'>
  readonly judge: (finding: Finding) => Verdict
  readonly closeSockets: (target: Target) => number
  readonly standpoint: () => Standpoint
  /** The capture counts flows from 0 at each start; the store keeps those of all runs. */
  readonly firstFlowId: number
  readonly now: () => number
  /** A block is in the kernel: for the packet that caused it. Milliseconds since the epoch. */
  readonly reacted: (packetAt: number) => void
  /** Tells people: page, journal, channels. */
  readonly told: (alert: Alert, isNew: boolean) => void
}

export interface Pipeline {
  /** Before the flows that they belong to. */
  namesSeen(names: readonly NameReport[]): void
  flowsSeen(flows: readonly FlowRecord[]): void
  ownersFound(answers: readonly OwnerAnswer[]): void
  findingReported(finding: Finding): void
}

export function createPipeline(parts: PipelineParts): Pipeline {
  const { owners, peers, live, alerts, store } = parts
  const idOf = (flow: number): number => parts.firstFlowId + flow

  return {
    namesSeen(names) {
      const standpoint = parts.standpoint()
      peers.learn(
        names.map(({ flow, ...name }) => ({ ...name, ...(flow !== undefined && { flow: idOf(flow) }) })),
        standpoint,
      )
    },

    flowsSeen(flows) {
      const standpoint = parts.standpoint()
      const seen = flows.map((flow) => connectionOf({ ...flow, id: idOf(flow.id) }, standpoint))
      const connections = owners.attach(seen).map(peers.describe)
      live.see(connections, parts.now())
      store.recordFlows(connections)
    },

    ownersFound(answers) {
      const completed = owners.complete(answers).map(peers.describe)
      live.complete(completed)
      store.recordFlows(completed)
    },

    findingReported(finding) {
      const verdict = parts.judge(finding)
      const { alert, isNew } = alerts.fold(finding)
      const response = respond(verdict, alert, parts)
      const answered = alerts.change(alert.id, { response }) ?? { ...alert, response }
      void store.recordAlert(answered)
      parts.told(answered, isNew)
    },
  }
}

/** Does what the verdict says; answers it in words. */
function respond(verdict: Verdict, alert: Alert, { gate, closeSockets, reacted }: PipelineParts): string {
  if (verdict.action === 'record') return `Recorded only: ${verdict.because}`
  if (verdict.action === 'spare') return `Not blocked: ${verdict.because}`
  if (gate.blockOf(alert.subject)) return alert.response || 'Blocked already'

  const { target, forSeconds } = verdict
  const answer = gate.block({
    target,
    seconds: forSeconds,
    origin: 'detector',
    actor: alert.detector,
    reason: alert.summary,
    alertId: alert.id,
  })
  if (answer.state === 'spared') return `Not blocked: ${answer.by.note}`
  if (answer.enforced) reacted(alert.lastSeenAt)
  // The element is in the kernel, so nothing new comes in: what is open can be closed at leisure.
  setImmediate(() => closeSockets(target))
  if (answer.enforced) return `Blocked for ${duration(forSeconds)}`
  return `To be blocked for ${duration(forSeconds)}, but the kernel did not take it yet`
}

function connectionOf(flow: FlowRecord, standpoint: Standpoint): Connection {
  const direction = directionOf(flow, standpoint)
  const isInbound = direction === 'inbound'
  return {
    ...flow,
    direction,
    peer: isInbound ? flow.source : flow.target,
    peerPort: isInbound ? flow.sourcePort : flow.targetPort,
    localPort: isInbound ? flow.targetPort : flow.sourcePort,
  }
}
