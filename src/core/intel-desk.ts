import type { ListAction } from '#intel/settings.ts'
import { RecentMap } from '#lib/recent-map.ts'
import type { Target } from '#model/address.ts'
import type { Alert } from '#model/alert.ts'
import type { Connection } from '#model/flow.ts'
import type { AlertBook } from './alert-book.ts'
import type { Gate } from './gate.ts'
import { findingOf } from './intel-findings.ts'
import { createHitFinder, type Hit, type HitFinderParts } from './intel-hits.ts'
import type { ListDoor } from './list-door.ts'
import { duration } from './present.ts'

export interface IntelDeskParts extends HitFinderParts {
  readonly blockSeconds: number
  readonly alerts: AlertBook
  readonly gate: Pick<Gate, 'block' | 'blockOf'> & { readonly lists?: Pick<ListDoor, 'blockOf'> | undefined }
  readonly store: { recordAlert(alert: Alert): Promise<void> }
  readonly closeSockets: (target: Target) => void
  readonly told: (alert: Alert, isNew: boolean) => void
  readonly now: () => number
}

/** How often a list was right, for those who wonder whether it is worth its room. */
export interface Hits {
  readonly count: number
  readonly lastAt: number
}

/** Holds each connection against all lists, and does what they are set to. */
export interface IntelDesk {
  /** The connections, each with the lists that hold something of it. Tells of each once. */
  look(connections: readonly Connection[]): Connection[]
  /** Tells of a connection that the kernel did not let out because of a list. */
  lookAtRefused(connection: Connection): void
  hitsOf(list: string): Hits | undefined
  /** The entry of `ignore` that names it. */
  ignoredBecause(value: string): string | undefined
  /** Lists have changed. */
  forget(): void
}

const TOLD_CAPACITY = 50_000
const HITS_CAPACITY = 20_000
const ACTIONS: readonly ListAction[] = ['record', 'alert', 'block']

export function createIntelDesk(parts: IntelDeskParts): IntelDesk {
  const { now } = parts
  const finder = createHitFinder(parts)
  /** By connection: the lists that were told of it. */
  const told = new RecentMap<number, string>(TOLD_CAPACITY)
  const hits = new Map<string, { seen: RecentMap<string, true>; count: number; lastAt: number }>()

  function count({ facts, listing, value }: Hit, at: number): void {
    const known = hits.get(facts.id) ?? { seen: new RecentMap(HITS_CAPACITY), count: 0, lastAt: 0 }
    const key = value || listing.matched
    if (known.seen.get(key) === undefined) known.count++
    known.seen.set(key, true)
    known.lastAt = at
    hits.set(facts.id, known)
  }

  function lookAt(connection: Connection, at: number): Connection {
    const found = finder.in(connection, at)
    if (found.length === 0) return connection
    const listed = [...new Set(found.map(({ facts }) => facts.id))]
    const lists = listed.join(' ')
    if (told.get(connection.id) !== lists) {
      told.set(connection.id, lists)
      for (const hit of found) count(hit, at)
      tell(found, connection, parts)
    }
    return { ...connection, listed }
  }

  return {
    look(connections) {
      const at = now()
      return connections.map((connection) => lookAt(connection, at))
    },
    lookAtRefused(connection) {
      const at = now()
      const found = finder.in(connection, at)
      for (const hit of found) count(hit, at)
      tell(found, connection, parts)
    },
    hitsOf: (list) => hits.get(list),
    ignoredBecause: finder.ignoredBecause,
    forget: finder.forget,
  }
}

/** One alert for all lists that hold it: the one that matters most says what is done. */
function tell(hits: readonly Hit[], connection: Connection, parts: IntelDeskParts): void {
  const [worst] = hits
    .filter(({ facts }) => facts.action !== 'record')
    .sort(
      (a, b) =>
        ACTIONS.indexOf(weightOf(b)) - ACTIONS.indexOf(weightOf(a)) ||
        b.facts.confidence - a.facts.confidence,
    )
  if (!worst) return
  const { alerts, store } = parts
  const { alert, isNew } = alerts.fold(findingOf(worst, hits, connection))
  const response = respond(worst, alert, parts)
  const answered = alerts.change(alert.id, { response }) ?? { ...alert, response }
  void store.recordAlert(answered)
  parts.told(answered, isNew)
}

const weightOf = ({ facts, of }: Hit): ListAction =>
  of !== 'address' && facts.action === 'block' ? 'alert' : facts.action

/** Why the list is set to block and nothing is blocked. */
const SPARED_BECAUSE: Readonly<Record<Exclude<Hit['of'], 'address'>, (alert: Alert, hit: Hit) => string>> = {
  name: ({ subject }) => `other names may share the address ${subject}`,
  url: ({ subject }) => `others may share the address ${subject}`,
  client: () => 'other programs may speak TLS like that',
  program: (_, { value }) => `a program is only stopped by you: gatehouse watchdog add sha256:${value}`,
}

function respond(hit: Hit, alert: Alert, parts: IntelDeskParts): string {
  const { facts, listing, of } = hit
  const { gate, closeSockets, blockSeconds, now } = parts
  const setting = `the list ${facts.id} is set to ${facts.action}`
  if (facts.action !== 'block') return `Recorded only: ${setting}`
  if (of !== 'address') return `Not blocked: ${setting}, but ${SPARED_BECAUSE[of](alert, hit)}`
  if (gate.lists?.blockOf(alert.subject)) {
    setImmediate(() => closeSockets(alert.subject))
    return `Turned away by the kernel: ${setting}`
  }
  if (gate.blockOf(alert.subject)) return alert.response || 'Blocked already'
  const left = listing.until === undefined ? blockSeconds : Math.ceil((listing.until - now()) / 1000)
  const seconds = Math.max(1, Math.min(blockSeconds, left))
  const answer = gate.block({
    target: alert.subject,
    seconds,
    origin: 'feed',
    actor: `list ${facts.id}`,
    reason: alert.summary,
    alertId: alert.id,
  })
  if (answer.state === 'spared') return `Not blocked: ${answer.by.note}`
  setImmediate(() => closeSockets(alert.subject))
  if (answer.enforced) return `Blocked for ${duration(seconds)}: ${setting}`
  return `To be blocked for ${duration(seconds)}, but the kernel did not take it yet`
}
