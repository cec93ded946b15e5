import type { Ip } from '#model/address.ts'
import type { AllowEntry } from '#model/allow.ts'
import type { Connection } from '#model/flow.ts'
import { PROTOCOL } from '#model/packet.ts'
import type { RuleBook } from '#model/rule.ts'
import { judge } from '#policy/rules/judge.ts'
import { firstPacket } from './rule-simulation.ts'

export interface DeniedConnectionsParts {
  readonly connections: () => readonly Connection[]
  readonly spares: (address: Ip) => AllowEntry | undefined
  readonly namesOf: (address: Ip) => readonly string[]
  readonly pagePort: number
  /** Ends one; false where there was none any more. Throws where the kernel refuses. */
  readonly end: (connection: Connection) => boolean
  /** When the first packets were seen. */
  readonly startedAt: number
  readonly now: () => number
  readonly say: (sentence: string) => void
}

const NTP = 123
const TCP_SYN = 0x02
/** Connection tracking forgets a silent UDP conversation by then: who speaks first afterwards opened it. */
const FORGOTTEN_MS = 180_000
const VITAL: readonly AllowEntry['source'][] = ['loopback', 'session', 'gateway', 'dns', 'group']

/**
 * Ends the connections that are open and that the rules deny, but the rules before did not: established ones pass
 * before all rules. Answers how many.
 */
export function endDenied(book: RuleBook, before: RuleBook, parts: DeniedConnectionsParts): number {
  let ended = 0
  for (const connection of parts.connections()) {
    if (connection.ended || !isItsOpener(connection, parts) || isVital(connection, parts)) continue
    const facts = { ...firstPacket(connection), ...namesIn(connection, parts), at: parts.now() }
    if (!isDenied(book, facts) || isDenied(before, facts)) continue
    try {
      if (parts.end(connection)) ended++
    } catch (error) {
      parts.say(`Open connections that the rules deny go on: ${(error as Error).message}.`)
      return ended
    }
  }
  return ended
}

/** The sender of the first packet that was seen is who opened it; else nobody knows which way the rules would judge it. */
function isItsOpener(
  { protocol, tcpFlagsForward, openedAt }: Connection,
  { startedAt }: DeniedConnectionsParts,
): boolean {
  if (protocol === PROTOCOL.tcp) return (tcpFlagsForward & TCP_SYN) !== 0
  return openedAt - startedAt > FORGOTTEN_MS
}

function isVital(connection: Connection, { spares, pagePort }: DeniedConnectionsParts): boolean {
  const { direction, protocol, peer, localPort, peerPort } = connection
  if (direction === 'local') return true
  if (direction === 'inbound' && protocol === PROTOCOL.tcp && localPort === pagePort) return true
  if (direction === 'outbound' && protocol === PROTOCOL.udp && peerPort === NTP) return true
  const entry = direction === 'forward' ? undefined : spares(peer)
  return entry !== undefined && VITAL.includes(entry.source)
}

const namesIn = ({ direction, source, target }: Connection, { namesOf }: DeniedConnectionsParts) =>
  direction === 'inbound' ? { sourceNames: namesOf(source) } : { targetNames: namesOf(target) }

function isDenied(book: RuleBook, facts: Parameters<typeof judge>[1]): boolean {
  const { action } = judge(book, facts)
  return action === 'deny' || action === 'reject'
}
