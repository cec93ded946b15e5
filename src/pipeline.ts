import type { AlertBook } from '#core/alert-book.ts'
import type { FlowNotes } from '#core/flow-notes.ts'
import type { LiveConnections } from '#core/live-connections.ts'
import type { OwnerAnswer, OwnerDesk } from '#core/owner-desk.ts'
import type { PeerDesk } from '#core/peer-desk.ts'
import type { PlaybookPlayer } from '#core/playbooks.ts'
import { type ResponseParts, respond } from '#core/response.ts'
import type { Alert } from '#model/alert.ts'
import type { Finding } from '#model/finding.ts'
import type { Connection, FlowRecord } from '#model/flow.ts'
import type { FlowNote } from '#model/flow-note.ts'
import type { NameReport } from '#model/name.ts'
import { directionOf, type Standpoint } from '#model/standpoint.ts'
import type { Verdict } from '#model/verdict.ts'
import type { Store } from '#store/store.ts'

/**
 * THE MAP of the core.
 *
 *   flow    → owner → name and place → threat lists → live list → store
 *   finding → verdict → alert → response and playbooks (gate: allow list, kernel, record) → store → people
 *
 * The packet side, frame → packet → hosts → flow → detectors, is in watch.ts.
 */
export interface PipelineParts extends ResponseParts {
  readonly owners: OwnerDesk
  readonly peers: PeerDesk
  readonly notes: FlowNotes
  /** Holds peers and names against the threat lists, and does what those are set to. */
  readonly look: (connections: readonly Connection[]) => Connection[]
  readonly live: LiveConnections
  readonly alerts: AlertBook
  readonly store: Pick<Store, 'recordFlows' | 'recordAlert'>
  readonly judge: (finding: Finding) => Verdict
  readonly playbooks: PlaybookPlayer
  readonly standpoint: () => Standpoint
  /** The capture counts flows from 0 at each start; the store keeps those of all runs. */
  readonly firstFlowId: number
  readonly now: () => number
  /** Tells people: page, journal, channels. */
  readonly told: (alert: Alert, isNew: boolean) => void
}

export interface Pipeline {
  /** Before the flows that they belong to. */
  namesSeen(names: readonly NameReport[]): void
  notesSeen(notes: readonly FlowNote[]): void
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

    notesSeen: (notes) => parts.notes.learn(notes.map((note) => ({ ...note, flow: idOf(note.flow) }))),

    flowsSeen(flows) {
      const standpoint = parts.standpoint()
      const seen = flows.map((flow) => connectionOf({ ...flow, id: idOf(flow.id) }, standpoint))
      const connections = parts.look(owners.attach(seen).map(peers.describe))
      live.see(connections, parts.now())
      store.recordFlows(connections)
    },

    ownersFound(answers) {
      const completed = parts.look(owners.complete(answers).map(peers.describe))
      live.complete(completed)
      store.recordFlows(completed)
    },

    findingReported,
  }

  function findingReported(finding: Finding): void {
    const verdict = parts.judge(finding)
    if (verdict.action === 'ignore') return
    const { alert, isNew } = alerts.fold(finding)
    const response = respond(verdict, alert, parts)
    const said = [response.response, ...parts.playbooks.play(alert)].join('; ')
    const answered = alerts.change(alert.id, { ...response, response: said }) ?? alert
    void store.recordAlert(answered)
    parts.told(answered, isNew)
    // More than the budget allows at once is something that people should hear of, once.
    if ('overflow' in verdict && verdict.overflow) findingReported(verdict.overflow)
  }
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
