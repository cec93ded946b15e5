import type { Finding, Severity } from '#model/finding.ts'
import type { Connection } from '#model/flow.ts'
import type { ListCategory } from '#model/indicator.ts'
import { blamed, type Hit } from './intel-hits.ts'
import { isProvenSender } from './proven-sender.ts'

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

/** What a hit is told as; `hits` are all of the connection. */
export function findingOf(hit: Hit, hits: readonly Hit[], connection: Connection): Finding {
  const { facts, listing, value } = hit
  const { openedAt, seenAt } = connection
  const isInbound = connection.direction === 'inbound'
  return {
    detector: 'intel',
    kind: facts.category,
    severity: SEVERITIES[facts.category][isInbound ? 1 : 0],
    confidence: (listing.confidence ?? facts.confidence) / 100,
    at: seenAt,
    subject: blamed(hit, connection),
    summary: `${talkOf(connection)}; ${listedAs(hit, hits.length - 1, connection)}`,
    key: `intel/${facts.id}/${value || listing.matched}/${isInbound ? 'in' : 'out'}`,
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
    spoofable: !isProvenSender(connection),
  }
}

function talkOf(connection: Connection): string {
  const { peer, name, owner, direction, localPort, source } = connection
  const whom = name === undefined ? peer : `${name} (${peer})`
  if (direction === 'inbound')
    return `${whom} ${localPort === 0 ? 'called' : `connected to port ${localPort}`}`
  if (direction === 'forward') return `${source} connected through this machine to ${whom}`
  return `${owner?.name ?? 'this machine'} connected to ${whom}`
}

function listedAs(hit: Hit, others: number, connection: Connection): string {
  const { facts, listing } = hit
  const more = others === 0 ? '' : ` (and ${others} more)`
  const since = new Date(listing.since).toISOString().slice(0, 10)
  const why = listing.reason === undefined ? '' : `: ${listing.reason}`
  return `${listedThing(hit, connection)} is on ${facts.title}${more} since ${since}${why}`
}

function listedThing({ of, listing, value }: Hit, { owner }: Connection): string {
  if (of === 'program') return `the program ${owner?.path ?? ''} (${value})`
  return of === 'client' ? `how it speaks TLS (${listing.matched})` : listing.matched
}
