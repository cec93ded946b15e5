import type { AlertBook } from '#core/alert-book.ts'
import type { Gate } from '#core/gate.ts'
import type { LiveConnections } from '#core/live-connections.ts'
import type { Alert } from '#model/alert.ts'
import type { Finding } from '#model/finding.ts'
import type { Connection, FlowRecord } from '#model/flow.ts'
import type { Owner, SocketKey } from '#model/owner.ts'
import { directionOf, type Standpoint, socketKeyOf } from '#model/standpoint.ts'
import type { Verdict } from '#model/verdict.ts'
import type { Store } from '#store/store.ts'

/**
 * THE MAP of the core.
 *
 *   flow    → owner → connection → live list → store
 *   finding → alert → verdict → gate (allow list, kernel, record) → store → people
 *
 * The packet side, frame → packet → hosts → flow → detectors, is in watch.ts.
 */
export interface PipelineParts {
  readonly owners: { ownerOf(key: SocketKey): Owner | undefined; request(keys: readonly SocketKey[]): void }
  readonly live: LiveConnections
  readonly alerts: AlertBook
  readonly gate: Gate
  readonly store: Pick<Store, 'recordFlows' | 'recordAlert'>
  readonly judge: (finding: Finding) => Verdict
  readonly closeSockets: (target: Finding['subject']) => number
  readonly standpoint: () => Standpoint
  readonly now: () => number
  /** Tells people: page, log, channels. */
  readonly told: (alert: Alert, isNew: boolean) => void
}

export interface Pipeline {
  flowsSeen(flows: readonly FlowRecord[]): void
  findingReported(finding: Finding): void
}

export function createPipeline(parts: PipelineParts): Pipeline {
  return {
    flowsSeen(flows) {
      const standpoint = parts.standpoint()
      const wanted: SocketKey[] = []
      const connections = flows.map((flow) => {
        const connection = connectionOf(flow, standpoint)
        const key = socketKeyOf(connection)
        const owner = key && parts.owners.ownerOf(key)
        if (key && !owner) wanted.push(key)
        return owner ? { ...connection, owner } : rememberOwner(connection, parts.live)
      })
      if (wanted.length > 0) parts.owners.request(wanted)
      parts.live.see(connections, parts.now())
      parts.store.recordFlows(connections)
    },

    findingReported(finding) {
      const verdict = parts.judge(finding)
      const { alert, isNew } = parts.alerts.fold(finding)
      const response = respond(verdict, alert, parts)
      const answered = parts.alerts.change(alert.id, { response }) ?? { ...alert, response }
      void parts.store.recordAlert(answered)
      parts.told(answered, isNew)
    },
  }
}

/** Does what the verdict says; answers it in words. */
function respond(verdict: Verdict, alert: Alert, { gate, closeSockets }: PipelineParts): string {
  if (verdict.action === 'record') return `Recorded only: ${verdict.because}`
  if (verdict.action === 'spare') return `Not blocked: ${verdict.because}`
  if (gate.blockOf(alert.subject)) return alert.response || 'Blocked already'

  const answer = gate.block({
    target: verdict.target,
    seconds: verdict.forSeconds,
    origin: 'detector',
    actor: alert.detector,
    reason: alert.summary,
    alertId: alert.id,
  })
  if (answer.state === 'spared') return `Not blocked: ${answer.by.note}`
  // After the element is in the kernel: nothing new comes in, so what is open can be closed at leisure.
  setImmediate(() => closeSockets(alert.subject))
  const minutes = `${Math.round(verdict.forSeconds / 6) / 10} min`
  return answer.enforced
    ? `Blocked for ${minutes}`
    : `Block for ${minutes} is waiting: the kernel did not take it`
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

/** An owner that was known once stays: a closing socket has none any more. */
function rememberOwner(connection: Connection, live: LiveConnections): Connection {
  const owner = live.byId(connection.id)?.owner
  return owner ? { ...connection, owner } : connection
}
