import type { SQLInputValue, SQLOutputValue } from 'node:sqlite'
import { type Ip, ipBytes, ipFromBytes, type Target } from '#model/address.ts'
import type { Alert, Suggestion } from '#model/alert.ts'
import type { Block, BlockOrigin } from '#model/block.ts'
import type { Decision, DecisionKind } from '#model/decision.ts'
import type { EgressEntry } from '#model/egress.ts'
import type { Evidence, Severity } from '#model/finding.ts'
import { type Connection, type Direction, END_REASONS, FLOW_STATES, type NameSource } from '#model/flow.ts'
import type { Owner, OwnerSource } from '#model/owner.ts'
import type { Trust } from '#model/trust.ts'

export type Row = Record<string, SQLOutputValue>
export type Values = Record<string, SQLInputValue>

/** Codes of Direction in the flow table: the index in this list. */
export const DIRECTIONS: readonly Direction[] = ['inbound', 'outbound', 'forward', 'local']

const COMMUNITY_ID = /^1:([A-Za-z0-9+/]{27}=)$/
const MAX_TEXT = 4096

/** Texts of programs and of the wire have no end that we choose: here they have. */
const bounded = (text: string): string => (text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text)

/** What changes while a flow goes on. */
export const progressOf = (connection: Connection): Values => ({
  seen_at: connection.seenAt,
  state: FLOW_STATES.indexOf(connection.state),
  packets_forward: connection.packetsForward,
  packets_backward: connection.packetsBackward,
  bytes_forward: connection.bytesForward,
  bytes_backward: connection.bytesBackward,
  handshake_ms: connection.handshakeMs ?? null,
  retransmits_forward: connection.retransmitsForward,
  retransmits_backward: connection.retransmitsBackward,
  tcp_flags_forward: connection.tcpFlagsForward,
  tcp_flags_backward: connection.tcpFlagsBackward,
})

/** What stays as it was when the flow was opened. */
export const originOf = (connection: Connection): Values => ({
  flow: connection.id,
  community_id: packCommunityId(connection.communityId),
  protocol: connection.protocol,
  interface: connection.interfaceName,
  vlan: connection.vlan,
  direction: DIRECTIONS.indexOf(connection.direction),
  source: ipBytes(connection.source),
  source_port: connection.sourcePort,
  target: ipBytes(connection.target),
  target_port: connection.targetPort,
  opened_at: connection.openedAt,
})

export const endedOf = (connection: Connection): number | null =>
  connection.ended === undefined ? null : END_REASONS.indexOf(connection.ended)

/** A flow that was open when an earlier run ended was cut off by that end. */
export function connectionOf(row: Row, run: number): Connection {
  const source = addressOf(row['source'])
  const target = addressOf(row['target'])
  const sourcePort = number(row['source_port'])
  const targetPort = number(row['target_port'])
  const direction = DIRECTIONS[number(row['direction'])] ?? 'forward'
  const isInbound = direction === 'inbound'
  const ended = row['ended'] ?? (row['run'] === run ? null : END_REASONS.indexOf('shutdown'))
  const endReason = ended === null ? undefined : END_REASONS[number(ended)]
  return {
    id: number(row['flow']),
    communityId: unpackCommunityId(row['community_id']),
    protocol: number(row['protocol']),
    interfaceName: text(row['interface']),
    vlan: number(row['vlan']),
    source,
    sourcePort,
    target,
    targetPort,
    state: FLOW_STATES[number(row['state'])] ?? 'open',
    openedAt: number(row['opened_at']),
    seenAt: number(row['seen_at']),
    ...(endReason && { ended: endReason }),
    packetsForward: number(row['packets_forward']),
    packetsBackward: number(row['packets_backward']),
    bytesForward: number(row['bytes_forward']),
    bytesBackward: number(row['bytes_backward']),
    ...(row['handshake_ms'] !== null && { handshakeMs: number(row['handshake_ms']) }),
    retransmitsForward: number(row['retransmits_forward']),
    retransmitsBackward: number(row['retransmits_backward']),
    tcpFlagsForward: number(row['tcp_flags_forward']),
    tcpFlagsBackward: number(row['tcp_flags_backward']),
    direction,
    peer: isInbound ? source : target,
    peerPort: isInbound ? sourcePort : targetPort,
    localPort: isInbound ? targetPort : sourcePort,
    ...(row['owner'] !== null && { owner: ownerOf(row) }),
    ...peerOf(row),
  }
}

/** What is known of the peer. */
const peerOf = (row: Row): Pick<Connection, 'name' | 'nameSource' | 'country' | 'asn' | 'asName'> => ({
  ...(row['peer_name'] !== null && { name: text(row['peer_name']) }),
  ...(row['name_source'] !== null &&
    row['name_source'] !== '' && { nameSource: text(row['name_source']) as NameSource }),
  ...(row['country'] !== null && { country: text(row['country']) }),
  ...(row['asn'] !== null && { asn: number(row['asn']) }),
  ...(row['as_name'] !== null && { asName: text(row['as_name']) }),
})

/** Of one process; the program and the home are rows of their own. */
export function ownerValues(owner: Owner): Values {
  const { pid, commandLine, source, unreadableBecause } = owner
  const { path: _, name: __, uid: ___, user: ____, unit: _____, container: ______, ...others } = owner
  const { pid: _1, commandLine: _2, source: _3, unreadableBecause: _4, ...details } = others
  return {
    pid,
    command_line: bounded(commandLine),
    source,
    unreadable_because: unreadableBecause === undefined ? null : bounded(unreadableBecause),
    details: jsonOf(details),
  }
}

export const programValues = (owner: Owner): Values => ({
  path: bounded(owner.path),
  name: bounded(owner.name),
})

/** Whom and where a process runs for. */
export const homeValues = ({ uid, user, unit, container }: Owner): Values => ({
  uid,
  user: user === undefined ? null : bounded(user),
  unit: unit === undefined ? null : bounded(unit),
  container: container === undefined ? null : jsonOf(container),
})

/** What of an owner the tables of homes know. */
export const homeOf = (row: Row): Pick<Owner, 'uid' | 'user' | 'unit' | 'container'> => ({
  uid: number(row['uid']),
  ...(row['user'] !== null && { user: text(row['user']) }),
  ...(row['unit'] !== null && { unit: text(row['unit']) }),
  ...(row['container'] !== null && { container: JSON.parse(text(row['container'])) }),
})

/** Nothing for an object that is empty, or larger than anything that we would show. */
function jsonOf(value: object): string | null {
  const json = JSON.stringify(value)
  return json === '{}' || json.length > MAX_TEXT ? null : json
}

function ownerOf(row: Row): Owner {
  return {
    ...(row['details'] !== null && JSON.parse(text(row['details']))),
    pid: number(row['pid']),
    path: text(row['path']),
    ...(row['unreadable_because'] !== null && { unreadableBecause: text(row['unreadable_because']) }),
    name: text(row['program_name']),
    commandLine: text(row['command_line']),
    ...homeOf(row),
    source: text(row['owner_source']) as OwnerSource,
  }
}

export const alertValues = (alert: Alert): Values => ({
  id: alert.id,
  at: alert.at,
  last_seen_at: alert.lastSeenAt,
  times: alert.times,
  detector: alert.detector,
  kind: alert.kind,
  severity: alert.severity,
  confidence: alert.confidence,
  subject: alert.subject,
  victim: alert.victim ?? null,
  summary: bounded(alert.summary),
  key: bounded(alert.key),
  technique: alert.technique,
  because: bounded(alert.because),
  spoofable: Number(alert.spoofable),
  response: bounded(alert.response),
  archived: Number(alert.archived),
  evidence: JSON.stringify(alert.evidence),
  suggestion: alert.suggestion ? JSON.stringify(alert.suggestion) : null,
})

export const alertOf = (row: Row): Alert => ({
  id: number(row['id']),
  detector: text(row['detector']),
  kind: text(row['kind']),
  severity: text(row['severity']) as Severity,
  confidence: number(row['confidence']),
  at: number(row['at']),
  subject: text(row['subject']) as Ip,
  ...(row['victim'] !== null && { victim: text(row['victim']) as Ip }),
  // Only a finding that blames nobody is about the victim itself.
  ...(row['victim'] === row['subject'] && { blame: 'nobody' as const }),
  summary: text(row['summary']),
  key: text(row['key']),
  technique: text(row['technique']),
  because: text(row['because']),
  evidence: JSON.parse(text(row['evidence'])) as Evidence,
  spoofable: row['spoofable'] === 1,
  times: number(row['times']),
  lastSeenAt: number(row['last_seen_at']),
  response: text(row['response']),
  archived: row['archived'] === 1,
  ...(row['suggestion'] !== null && { suggestion: JSON.parse(text(row['suggestion'])) as Suggestion }),
})

export const decisionValues = (decision: Decision): Values => ({
  id: decision.id,
  at: decision.at,
  kind: decision.kind,
  target: decision.target,
  actor: bounded(decision.actor),
  reason: bounded(decision.reason),
  for_seconds: decision.forSeconds ?? null,
  alert_id: decision.alertId ?? null,
  undoes: decision.undoes ?? null,
})

export const decisionOf = (row: Row): Decision => ({
  id: number(row['id']),
  at: number(row['at']),
  kind: text(row['kind']) as DecisionKind,
  target: text(row['target']) as Target,
  actor: text(row['actor']),
  reason: text(row['reason']),
  ...(row['for_seconds'] !== null && { forSeconds: number(row['for_seconds']) }),
  ...(row['alert_id'] !== null && { alertId: number(row['alert_id']) }),
  ...(row['undoes'] !== null && { undoes: number(row['undoes']) }),
})

export const egressValues = ({ id, at, to, what, why }: EgressEntry): Values => ({
  id,
  at,
  recipient: bounded(to),
  what: bounded(what),
  why: bounded(why),
})

export const egressOf = (row: Row): EgressEntry => ({
  id: number(row['id']),
  at: number(row['at']),
  to: text(row['recipient']),
  what: text(row['what']),
  why: text(row['why']),
})

export const blockValues = (block: Block): Values => ({
  target: block.target,
  effect: block.effect ?? null,
  origin: block.origin,
  actor: bounded(block.actor),
  reason: bounded(block.reason),
  since: block.since,
  until: block.until ?? null,
  alert_id: block.alertId ?? null,
  decision_id: block.decisionId,
})

export const blockOf = (row: Row): Block => ({
  target: text(row['target']) as Target,
  ...(row['effect'] === 'limit' && { effect: 'limit' as const }),
  origin: text(row['origin']) as BlockOrigin,
  actor: text(row['actor']),
  reason: text(row['reason']),
  since: number(row['since']),
  ...(row['until'] !== null && { until: number(row['until']) }),
  ...(row['alert_id'] !== null && { alertId: number(row['alert_id']) }),
  decisionId: number(row['decision_id']),
})

export const trustOf = (row: Row): Trust => ({
  detector: text(row['detector']),
  accepted: number(row['accepted']),
  at: number(row['at']),
})

/** The 20 bytes of a version 1 Community ID; any other text stays text. */
export function packCommunityId(id: string): Uint8Array | string {
  const hash = COMMUNITY_ID.exec(id)?.[1]
  return hash === undefined ? id : Buffer.from(hash, 'base64')
}

const unpackCommunityId = (value: SQLOutputValue | undefined): string =>
  value instanceof Uint8Array ? `1:${Buffer.from(value).toString('base64')}` : text(value)

const addressOf = (value: SQLOutputValue | undefined): Ip => ipFromBytes(value as Uint8Array)
const number = (value: SQLOutputValue | undefined): number => Number(value)
const text = (value: SQLOutputValue | undefined): string => String(value ?? '')
