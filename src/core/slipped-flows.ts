import type { ExplainRequest, RuleExplanation } from '#contract/rules.ts'
import type { NamedAddress } from '#enforce/named-sets.ts'
import { RecentMap } from '#lib/recent-map.ts'
import type { Ip } from '#model/address.ts'
import type { Connection } from '#model/flow.ts'
import type { SocketKey } from '#model/owner.ts'

/** A connection that was opened so long before its peer's name was in force, or after, may have been faster. */
const NEAR_MS = 2_000
const REMEMBERED = 4_096

export interface SlippedFlowsParts {
  readonly explain: (request: ExplainRequest) => Pick<RuleExplanation, 'action'>
  /** Answers how many sockets it closed; throws where the kernel refuses. */
  readonly close: (key: SocketKey) => number
  readonly say: (text: string) => void
}

/**
 * A program that opens a connection within the same millisecond in which it got the answer of DNS is faster than the
 * set in the kernel. Such a connection is closed as soon as it is seen, where the rules in force turn it away.
 */
export class SlippedFlows {
  readonly #parts: SlippedFlowsParts
  readonly #learned = new RecentMap<Ip, { readonly name: string; readonly at: number }>(REMEMBERED)
  readonly #closed = new RecentMap<number, true>(REMEMBERED)

  constructor(parts: SlippedFlowsParts) {
    this.#parts = parts
  }

  learned(fresh: readonly NamedAddress[], at: number): void {
    for (const { address, name } of fresh) this.#learned.set(address, { name, at })
  }

  see(connections: readonly Connection[]): void {
    for (const connection of connections) {
      const learned = isOurs(connection) && !connection.ended && this.#learned.get(connection.peer)
      if (!learned || Math.abs(connection.openedAt - learned.at) > NEAR_MS) continue
      if (this.#closed.get(connection.id) === undefined) this.#end(connection, learned.name)
    }
  }

  #end(connection: Connection, name: string): void {
    const { protocol, source, sourcePort, target, targetPort, owner } = connection
    const { action } = this.#parts.explain({
      direction: 'outbound',
      state: 'new',
      protocol,
      source,
      target,
      sourcePort,
      targetPort,
      interface: connection.interfaceName,
      ...(owner && { uid: owner.uid }),
    })
    if (action !== 'deny' && action !== 'reject') return
    const key = {
      protocol,
      localAddress: source,
      localPort: sourcePort,
      peerAddress: target,
      peerPort: targetPort,
    }
    if (this.#closeOne(key) === 0) return
    this.#closed.set(connection.id, true)
    const program = owner ? ` of ${owner.name}` : ''
    this.#parts.say(
      `A connection${program} to ${target}:${targetPort} was faster than the rule about ${name}: closed.`,
    )
  }

  /** 0 as well where the kernel does not close what is another's. */
  #closeOne(key: SocketKey): number {
    try {
      return this.#parts.close(key)
    } catch {
      return 0
    }
  }
}

const isOurs = ({ direction }: Connection): boolean => direction === 'outbound' || direction === 'local'
