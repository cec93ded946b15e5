import { isAskable, type ServiceDesk } from '#intel/services/service-desk.ts'
import { RecentMap } from '#lib/recent-map.ts'
import { atLeast, type Severity } from '#model/finding.ts'
import type { Connection } from '#model/flow.ts'
import type { IndicatorKind } from '#model/indicator.ts'

/** What services are asked about first: by a person, then what an alert is about, then what may be worse. */
export const PRIORITY = { byHand: 9, alerted: 8, program: 5, called: 3, name: 2, caller: 1 } as const

/** Asks the services that may be asked without a person. */
export interface AutoAsking {
  /** New public peers, and names under a public suffix. */
  see(connections: readonly Connection[]): void
  /** The hash of a program that was not met yet. */
  programFound(sha256: string): void
  alerted(alert: { readonly subject: string; readonly severity: Severity }): void
}

const SEEN = 50_000
/** A flood of peers must not keep the thread with writing questions. */
const PER_SECOND = 50

export function createAutoAsking(parts: {
  readonly services: Pick<ServiceDesk, 'ask' | 'asksOfItself'>
  readonly now: () => number
}): AutoAsking {
  const { services, now } = parts
  const seen = new RecentMap<string, number>(SEEN)
  const may = { target: services.asksOfItself('target'), domain: services.asksOfItself('domain') }
  let [second, asked] = [0, 0]

  function ask(kind: IndicatorKind, value: string, priority: number): void {
    if ((seen.get(value) ?? 0) >= priority || !isAskable(kind, value) || !hasRoom(priority)) return
    seen.set(value, priority)
    services.ask(kind, value, { priority, isByHand: false })
  }

  function hasRoom(priority: number): boolean {
    if (priority >= PRIORITY.program) return true
    const at = Math.floor(now() / 1000)
    if (at !== second) [second, asked] = [at, 0]
    return asked++ < PER_SECOND
  }

  function seeOne(connection: Connection): void {
    const isOurs = connection.direction === 'outbound'
    // A sender without a handshake may be anybody.
    if (!isOurs && (connection.state === 'syn-sent' || connection.state === 'open')) return
    if (may.target) ask('target', connection.peer, isOurs ? PRIORITY.called : PRIORITY.caller)
    if (may.domain && isOurs) askName(connection.name)
  }

  function askName(name: string | undefined): void {
    const domain = name === undefined ? undefined : publicDomain(name)
    if (domain !== undefined) ask('domain', domain, PRIORITY.name)
  }

  return {
    see(connections) {
      if (may.target || may.domain) for (const connection of connections) seeOne(connection)
    },
    programFound: (sha256) => ask('sha256', sha256, PRIORITY.program),
    alerted({ subject, severity }) {
      if (may.target && atLeast(severity, 'medium')) ask('target', subject, PRIORITY.alerted)
    },
  }
}

/** Names that nobody outside knows (RFC 6761, RFC 6762, RFC 8375, RFC 9476, and what people call their networks). */
const PRIVATE_ENDS = new Set(
  'local localhost localdomain lan home internal intranet corp private arpa test invalid example onion alt'.split(
    ' ',
  ),
)
const SHARED_LABEL = /^(?:ac|co|com|edu|gov|ltd|me|net|nom|or|org|sch)$/

/** About the part of a name that somebody registered, as far as its look tells; less of it tells less of us. */
function publicDomain(name: string): string | undefined {
  const labels = name.toLowerCase().split('.')
  const [second = '', last = ''] = labels.slice(-2)
  if (labels.length < 2 || PRIVATE_ENDS.has(last) || !/^[a-z]/.test(last)) return undefined
  const isShared = last.length === 2 && SHARED_LABEL.test(second)
  if (isShared && labels.length < 3) return undefined
  return labels.slice(isShared ? -3 : -2).join('.')
}
