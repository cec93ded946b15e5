import type { RuleSimulation } from '#contract/rules.ts'
import type { Connection, Direction } from '#model/flow.ts'
import type { PacketFacts, RuleBook, RuleDirection } from '#model/rule.ts'
import { programKeyOf } from '#model/summary.ts'
import { judge } from '#policy/rules/judge.ts'
import { PORT_PROTOCOLS } from '#policy/rules/words.ts'
import { programFactsOf } from './program-facts.ts'

/** One page of recorded flows, newest first. */
export interface FlowPages {
  flows(request: {
    readonly limit: number
    readonly cursor?: string
    readonly since?: number
    readonly until?: number
  }): Promise<{ readonly items: readonly Connection[]; readonly next?: string }>
}

const PAGE = 500
const MAX_FLOWS = 200_000
const MAX_DIFFERENCES = 500

const passes = (action: string): boolean => action === 'allow' || action === 'limit'

interface Difference {
  program: string
  host: string
  port: number
  protocol: number
  direction: RuleDirection
  from: string
  to: string
  because: string
  flows: number
  bytes: number
}

/**
 * What `draft` would have decided otherwise than `current` about the first packets of the flows recorded since then:
 * by program, host and port, the most frequent first.
 */
export async function simulate(
  { draft, current }: { readonly draft: RuleBook; readonly current: RuleBook },
  store: FlowPages,
  period: { readonly since: number; readonly until?: number },
): Promise<RuleSimulation> {
  const differences = new Map<string, Difference>()
  let flows = 0
  let changed = 0
  let cursor: string | undefined
  do {
    const page = await store.flows({ limit: PAGE, ...period, ...(cursor !== undefined && { cursor }) })
    for (const connection of page.items) {
      flows++
      if (tell(connection, { draft, current }, differences)) changed++
    }
    cursor = page.items.length === 0 ? undefined : page.next
  } while (cursor !== undefined && flows < MAX_FLOWS)
  return {
    since: period.since,
    flows,
    changed,
    isPartial: cursor !== undefined,
    differences: [...differences.values()].sort((a, b) => b.flows - a.flows),
  }
}

function tell(
  connection: Connection,
  { draft, current }: { readonly draft: RuleBook; readonly current: RuleBook },
  differences: Map<string, Difference>,
): boolean {
  const facts = firstPacket(connection)
  const [before, after] = [judge(current, facts), judge(draft, facts)]
  if (passes(before.action) === passes(after.action)) return false
  const program = connection.owner ? programKeyOf(connection.owner) : ''
  const { peer, protocol, targetPort } = connection
  const key = `${program} ${peer} ${protocol} ${targetPort} ${facts.direction} ${after.id}`
  const bytes = connection.bytesForward + connection.bytesBackward
  const known = differences.get(key)
  if (known) {
    known.flows++
    known.bytes += bytes
  } else if (differences.size < MAX_DIFFERENCES) {
    differences.set(key, {
      program,
      host: peer,
      port: targetPort,
      protocol,
      direction: facts.direction,
      from: before.action,
      to: after.action,
      because: after.because,
      flows: 1,
      bytes,
    })
  }
  return true
}

const DIRECTION: Readonly<Record<Direction, RuleDirection>> = {
  inbound: 'inbound',
  outbound: 'outbound',
  forward: 'forward',
  local: 'outbound',
}

/** The packet that opened the flow, as the rules met it. */
export function firstPacket(connection: Connection): PacketFacts {
  const { protocol, source, target, sourcePort, targetPort, interfaceName, openedAt, name } = connection
  const direction = DIRECTION[connection.direction]
  return {
    direction,
    protocol,
    source,
    target,
    state: 'new',
    at: openedAt,
    ...(PORT_PROTOCOLS.includes(protocol) && { sourcePort, targetPort }),
    // The name that the flow went by. Rules by domain go by DNS, so one that only TLS told may not be caught.
    ...(name !== undefined && { [direction === 'inbound' ? 'sourceNames' : 'targetNames']: [name] }),
    // Of ICMP the flow table keeps the type where ports would be (Community ID).
    ...((protocol === 1 || protocol === 58) && { icmpType: sourcePort }),
    ...(direction === 'outbound' ? { toInterface: interfaceName } : { fromInterface: interfaceName }),
    ...(direction === 'outbound' && connection.owner && { uid: connection.owner.uid }),
    program: programFactsOf(connection.owner),
  }
}
