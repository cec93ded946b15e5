import type { Connection } from '../../../src/contract/schemas.ts'

/** The keys of a rule as the file has them. */
export type RuleKeys = Readonly<Record<string, unknown>>

/** What of a rule says whom and what it is about, in the order in which people read it. */
export const CONDITIONS = [
  'program',
  'user',
  'unit',
  'container',
  'owner',
  'confidence',
  'package',
  'sha256',
  'protocol',
  'port',
  'from',
  'sourcePort',
  'to',
  'icmpType',
  'interface',
  'toInterface',
  'domain',
  'country',
  'asn',
  'reputation',
  'state',
] as const

/** A value as a person writes it into a field: `22`, `80, 443`, `not 192.0.2.0/24`. */
export function fieldText(value: unknown): string {
  if (value === undefined || value === null) return ''
  if (Array.isArray(value)) return value.map(String).join(', ')
  if (typeof value === 'object') return 'not' in value ? `not ${fieldText(value.not)}` : JSON.stringify(value)
  return String(value)
}

/** What a person wrote into a field, as the file has it; undefined for nothing. */
export function fieldValue(text: string): unknown {
  const trimmed = text.trim()
  if (trimmed === '') return undefined
  const negated = /^not\s+(.+)$/i.exec(trimmed)?.[1]
  if (negated !== undefined) return { not: fieldValue(negated) }
  const parts = trimmed
    .split(',')
    .map((part) => part.trim())
    .filter(Boolean)
  return parts.length > 1 ? parts.map(scalar) : scalar(parts[0] ?? '')
}

const scalar = (text: string): string | number => (/^\d{1,15}$/.test(text) ? Number(text) : text)

/** Keys with some of them changed; undefined takes a key out. */
export function withKeys(keys: RuleKeys, changes: RuleKeys): Record<string, unknown> {
  const all = Object.entries({ ...keys, ...changes })
  return Object.fromEntries(all.filter(([, value]) => value !== undefined))
}

/** Where a rule about this connection begins: the page of the rules with its form filled in. */
export function ruleHref(connection: Connection): string {
  const { direction, peer, protocol, targetPort } = connection
  const way = direction === 'local' ? 'outbound' : direction
  const end = way === 'inbound' ? 'from' : 'to'
  const hasPorts = ['tcp', 'udp', 'sctp'].includes(protocol)
  const about = {
    new: 'connection',
    direction: way,
    [end]: peer,
    protocol,
    ...(hasPorts && { port: String(targetPort) }),
  }
  return `/rules?${new URLSearchParams(about)}`
}

/** The keys that `ruleHref` wrote; nothing of an address that somebody else made is trusted to be more than text. */
export function keysOfQuery(query: URLSearchParams): RuleKeys {
  const keys: Record<string, unknown> = { action: 'deny' }
  for (const key of ['action', 'direction', ...CONDITIONS, 'comment']) {
    const text = query.get(key)
    if (text) keys[key] = key === 'comment' ? text : fieldValue(text)
  }
  return keys
}
