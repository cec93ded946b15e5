import type { Indicators } from '#intel/indicators/indicators.ts'
import type { ListAction } from '#intel/settings.ts'
import { RecentMap } from '#lib/recent-map.ts'
import { contains, parseTarget, type Target } from '#model/address.ts'
import type { Alert } from '#model/alert.ts'
import type { Finding, Severity } from '#model/finding.ts'
import type { Connection } from '#model/flow.ts'
import type { ListCategory, Listing } from '#model/indicator.ts'
import type { AlertBook } from './alert-book.ts'
import type { Gate } from './gate.ts'
import type { ListDoor } from './list-door.ts'
import { duration } from './present.ts'

/** What the desk has to know of a list. */
export interface ListFacts {
  readonly id: string
  readonly title: string
  readonly category: ListCategory
  readonly confidence: number
  readonly action: ListAction
  readonly isOwn: boolean
}

export interface IntelDeskParts {
  readonly indicators: Pick<Indicators, 'ofAddress' | 'ofName'>
  readonly factsOf: (list: string) => ListFacts | undefined
  /** Addresses, ranges and domains that no list is believed about. */
  readonly ignore: readonly string[]
  readonly blockSeconds: number
  readonly alerts: AlertBook
  readonly gate: Pick<Gate, 'block' | 'blockOf'> & { readonly lists?: Pick<ListDoor, 'blockOf'> | undefined }
  readonly store: { recordAlert(alert: Alert): Promise<void> }
  readonly closeSockets: (target: Target) => number
  readonly told: (alert: Alert, isNew: boolean) => void
  readonly now: () => number
}

/** How often a list was right, for those who wonder whether it is worth its room. */
export interface Hits {
  readonly count: number
  readonly lastAt: number
}

/** Holds the peer and the name of each connection against all lists, and does what they are set to. */
export interface IntelDesk {
  /** The connections, each with the lists that hold its peer or name. Tells of each once. */
  look(connections: readonly Connection[]): Connection[]
  /** Tells of a connection that the kernel did not let out because of a list. */
  lookAtRefused(connection: Connection): void
  hitsOf(list: string): Hits | undefined
  /** The entry of `ignore` that names it. */
  ignoredBecause(value: string): string | undefined
}

/** One list that holds one end of a connection. */
interface Hit {
  readonly facts: ListFacts
  readonly listing: Listing
  /** A name may be one of many on its address: the address is not to blame. */
  readonly isName: boolean
}

const TOLD_CAPACITY = 50_000
const HITS_CAPACITY = 20_000
const NONE: readonly Hit[] = []
const ACTIONS: readonly ListAction[] = ['record', 'alert', 'block']

export function createIntelDesk(parts: IntelDeskParts): IntelDesk {
  const { indicators, factsOf, now } = parts
  const ignored = createIgnored(parts.ignore)
  /** By connection: the lists that were told of it. */
  const told = new RecentMap<number, string>(TOLD_CAPACITY)
  const hits = new Map<string, { seen: RecentMap<string, true>; count: number; lastAt: number }>()

  function hitsIn(connection: Connection, at: number): readonly Hit[] {
    const ofPeer = indicators.ofAddress(connection.peer, at)
    const ofName = connection.name === undefined ? [] : indicators.ofName(connection.name, at)
    if (ofPeer.length + ofName.length === 0) return NONE
    const peer = ignored(connection.peer) === undefined ? ofPeer : []
    const name = connection.name !== undefined && ignored(connection.name) === undefined ? ofName : []
    const found = (listings: readonly Listing[], isName: boolean): Hit[] =>
      listings.flatMap((listing) => {
        const facts = factsOf(listing.list)
        return facts ? [{ facts, listing, isName }] : []
      })
    return [...found(peer, false), ...found(name, true)]
  }

  function count({ facts, isName }: Hit, connection: Connection, at: number): void {
    const known = hits.get(facts.id) ?? { seen: new RecentMap(HITS_CAPACITY), count: 0, lastAt: 0 }
    const key = isName ? (connection.name ?? '') : connection.peer
    if (known.seen.get(key) === undefined) known.count++
    known.seen.set(key, true)
    known.lastAt = at
    hits.set(facts.id, known)
  }

  function lookAt(connection: Connection, at: number): Connection {
    const found = hitsIn(connection, at)
    if (found.length === 0) return connection
    const listed = [...new Set(found.map(({ facts }) => facts.id))]
    const lists = listed.join(' ')
    if (told.get(connection.id) !== lists) {
      told.set(connection.id, lists)
      for (const hit of found) count(hit, connection, at)
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
      const found = hitsIn(connection, at)
      for (const hit of found) count(hit, connection, at)
      tell(found, connection, parts)
    },
    hitsOf: (list) => hits.get(list),
    ignoredBecause: ignored,
  }
}

/** Answers the entry that names an address or a domain. */
function createIgnored(entries: readonly string[]): (value: string) => string | undefined {
  const targets = entries.flatMap((entry) => parseTarget(entry) ?? [])
  const domains = entries
    .filter((entry) => parseTarget(entry) === undefined)
    .map((entry) => entry.toLowerCase())
  return (value) => {
    const address = parseTarget(value)
    if (address !== undefined) return targets.find((target) => contains(target, address))
    const name = value.toLowerCase()
    return domains.find((domain) => name === domain || name.endsWith(`.${domain}`))
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

const weightOf = ({ facts, isName }: Hit): ListAction =>
  isName && facts.action === 'block' ? 'alert' : facts.action

function respond({ facts, listing, isName }: Hit, alert: Alert, parts: IntelDeskParts): string {
  const { gate, closeSockets, blockSeconds, now } = parts
  const setting = `the list ${facts.id} is set to ${facts.action}`
  if (facts.action !== 'block') return `Recorded only: ${setting}`
  if (isName) return `Not blocked: ${setting}, but other names may share the address ${alert.subject}`
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

/** Whom we call is worse than who calls us: everybody with an address is scanned. */
const SEVERITIES: Readonly<Record<ListCategory, readonly [outbound: Severity, inbound: Severity]>> = {
  'command-and-control': ['critical', 'medium'],
  malware: ['high', 'medium'],
  hijacked: ['high', 'medium'],
  attacks: ['medium', 'low'],
  anonymity: ['low', 'low'],
  tracking: ['info', 'info'],
  own: ['high', 'medium'],
}

/** MITRE ATT&CK: application layer protocol, or active scanning. */
const TECHNIQUES = { outbound: 'T1071', inbound: 'T1595' } as const

function findingOf(hit: Hit, hits: readonly Hit[], connection: Connection): Finding {
  const { facts, listing, isName } = hit
  const { peer, name, openedAt, seenAt, state } = connection
  const isInbound = connection.direction === 'inbound'
  return {
    detector: 'intel',
    kind: facts.category,
    severity: SEVERITIES[facts.category][isInbound ? 1 : 0],
    confidence: (listing.confidence ?? facts.confidence) / 100,
    at: seenAt,
    subject: peer,
    summary: `${talkOf(connection)}; ${listedAs(hit, hits.length - 1)}`,
    key: `intel/${facts.id}/${isName ? name : peer}/${isInbound ? 'in' : 'out'}`,
    technique: isInbound ? TECHNIQUES.inbound : TECHNIQUES.outbound,
    because: facts.isOwn
      ? `intel.lists: ${facts.id}, ${facts.action}`
      : `intel.feeds.${facts.id}.action = ${facts.action}`,
    evidence: {
      firstAt: openedAt,
      lastAt: seenAt,
      count: hits.length,
      ratePerSecond: 0,
      ports: [isInbound ? connection.localPort : connection.peerPort],
      samples: [],
    },
    spoofable: isInbound && (state === 'syn-sent' || state === 'open'),
  }
}

function talkOf({ peer, name, owner, direction, localPort }: Connection): string {
  const whom = name === undefined ? peer : `${name} (${peer})`
  if (direction === 'inbound') return `${whom} connected to port ${localPort}`
  return `${owner?.name ?? 'this machine'} connected to ${whom}`
}

function listedAs({ facts, listing }: Hit, others: number): string {
  const more = others === 0 ? '' : ` (and ${others} more)`
  const since = new Date(listing.since).toISOString().slice(0, 10)
  const why = listing.reason === undefined ? '' : `: ${listing.reason}`
  return `${listing.matched} is on ${facts.title}${more} since ${since}${why}`
}
