import type { Reputation } from '#contract/reputation.ts'
import { RecentMap } from '#lib/recent-map.ts'
import type { Ip, Target } from '#model/address.ts'
import type { Alert } from '#model/alert.ts'
import type { Finding } from '#model/finding.ts'
import type { Connection } from '#model/flow.ts'
import type { AlertBook } from './alert-book.ts'
import type { Gate } from './gate.ts'
import { duration } from './present.ts'
import { isProvenSender } from './proven-sender.ts'
import type { ReputationDesk } from './reputation-desk.ts'

export interface ReputationWatchParts {
  readonly desk: Pick<ReputationDesk, 'ofAddress' | 'ofOwner'>
  /** From which score on people are told, and peers are blocked; without the second none is. */
  readonly settings: { readonly alertFrom: number; readonly blockFrom?: number | undefined }
  readonly blockSeconds: number
  /** Whether anybody outside said anything of this address: only then is it worth a look. */
  readonly isKnown: (connection: Connection) => boolean
  /** A list that tells by itself: people need not hear of it twice. */
  readonly isTold: (connection: Connection) => boolean
  readonly alerts: AlertBook
  readonly gate: Pick<Gate, 'block' | 'blockOf'>
  readonly store: { recordAlert(alert: Alert): Promise<void> }
  readonly closeSockets: (target: Target) => void
  readonly told: (alert: Alert, isNew: boolean) => void
  /** Rules go by it. */
  readonly reputed: (address: Ip, score: number) => void
  readonly now: () => number
}

/** Looks at the reputation of peers and programs as they come, and does what the settings say. */
export interface ReputationWatch {
  see(connections: readonly Connection[]): void
  /** Something new is known of this peer or program: looks again. Settles when what follows is done. */
  reconsider(connection: Connection, what: 'peer' | 'program'): Promise<void>
  /** A detector spoke of it: rules by reputation hear of that. */
  accused(address: Ip): Promise<void>
}

const SEEN = 50_000
/** A peer is looked at again after so long. */
const AGAIN_MS = 600_000
const ACCUSED_AGAIN_MS = 60_000
/** Looks under way; a flood of listed peers is looked at in part. */
const MAX_LOOKING = 64

export function createReputationWatch(parts: ReputationWatchParts): ReputationWatch {
  const { desk, now } = parts
  const seen = new RecentMap<Ip, number>(SEEN)
  const accused = new RecentMap<Ip, number>(SEEN)
  let looking = 0

  async function reconsider(connection: Connection, what: 'peer' | 'program'): Promise<void> {
    if (looking >= MAX_LOOKING) return
    const { peer, owner } = connection
    looking++
    try {
      if (what === 'peer') {
        const reputation = await desk.ofAddress(peer)
        parts.reputed(peer, reputation.score)
        judge(reputation, connection)
      }
      if (what === 'program' && owner) judge(await desk.ofOwner(owner), connection)
    } finally {
      looking--
    }
  }

  function judge(reputation: Reputation, connection: Connection): void {
    const { alertFrom, blockFrom = Number.POSITIVE_INFINITY } = parts.settings
    const isPeer = reputation.of === 'address'
    const mayBlock =
      isPeer &&
      isProvenSender(connection) &&
      reputation.score >= blockFrom &&
      !parts.gate.blockOf(connection.peer)
    const isWorthTelling = reputation.score >= alertFrom && !(isPeer && parts.isTold(connection))
    if (mayBlock || isWorthTelling) tell(reputation, connection, mayBlock)
  }

  function tell(reputation: Reputation, connection: Connection, mayBlock: boolean): void {
    const { alerts, store, told, settings } = parts
    const { alert, isNew } = alerts.fold(findingOf(reputation, connection, settings, mayBlock))
    const response = mayBlock ? block(reputation, alert) : alert.response || responseTo(reputation)
    const answered = alerts.change(alert.id, { response }) ?? { ...alert, response }
    void store.recordAlert(answered)
    told(answered, isNew)
  }

  function block({ score }: Reputation, alert: Alert): string {
    const { gate, blockSeconds: seconds, closeSockets, settings } = parts
    const because = `intel.reputation.blockFrom = ${settings.blockFrom}, and its reputation is ${score}`
    const answer = gate.block({
      ...{ target: alert.subject, seconds, origin: 'feed', actor: 'reputation' },
      ...{ reason: alert.summary, alertId: alert.id },
    })
    if (answer.state === 'spared') return `Not blocked: ${answer.by.note}`
    setImmediate(() => closeSockets(alert.subject))
    if (answer.enforced) return `Blocked for ${duration(seconds)}: ${because}`
    return `To be blocked for ${duration(seconds)}, but the kernel did not take it yet`
  }

  return {
    see(connections) {
      const at = now()
      for (const connection of connections) {
        const { peer } = connection
        if (at - (seen.get(peer) ?? -AGAIN_MS) < AGAIN_MS || !parts.isKnown(connection)) continue
        seen.set(peer, at)
        void reconsider(connection, 'peer')
      }
    },
    reconsider,
    async accused(address) {
      const at = now()
      if (looking >= MAX_LOOKING || at - (accused.get(address) ?? -ACCUSED_AGAIN_MS) < ACCUSED_AGAIN_MS)
        return
      accused.set(address, at)
      looking++
      try {
        parts.reputed(address, (await desk.ofAddress(address)).score)
      } finally {
        looking--
      }
    },
  }
}

const responseTo = ({ of, subject }: Reputation): string =>
  of === 'program'
    ? `Recorded only: a program is only stopped by you: gatehouse watchdog add ${subject}`
    : 'Recorded only: intel.reputation.blockFrom is not reached, or not set'

function findingOf(
  { of, subject, score, factors }: Reputation,
  connection: Connection,
  settings: ReputationWatchParts['settings'],
  isBlocking: boolean,
): Finding {
  const { peer, direction, seenAt, openedAt, owner } = connection
  const isInbound = direction === 'inbound'
  const heaviest = factors.slice(0, 3).map(({ sentence }) => sentence)
  const whom = isInbound
    ? `${peer} connected to port ${connection.localPort}`
    : `${owner?.name ?? 'this machine'} connected to ${peer}`
  return {
    detector: 'intel',
    kind: 'reputation',
    severity: score >= 90 ? 'high' : 'medium',
    confidence: score / 100,
    at: seenAt,
    subject: peer,
    summary: `${whom}; the reputation of ${subject} is ${score} of 100: ${heaviest.join('; ')}`,
    key: `intel/reputation/${of}/${subject}`,
    technique: isInbound ? 'T1595' : 'T1071',
    because: isBlocking
      ? `intel.reputation.blockFrom = ${settings.blockFrom}`
      : `intel.reputation.alertFrom = ${settings.alertFrom}`,
    evidence: {
      firstAt: openedAt,
      lastAt: seenAt,
      count: factors.length,
      ratePerSecond: 0,
      ports: [isInbound ? connection.localPort : connection.peerPort],
      samples: [],
    },
    spoofable: !isProvenSender(connection),
  }
}
