import { RecentMap } from '#lib/recent-map.ts'
import type { Ip } from '#model/address.ts'
import type { Connection, NameSource } from '#model/flow.ts'
import type { NameReport } from '#model/name.ts'

/** Addresses whose names are kept, and flows whose name or asker is. */
const ADDRESSES = 65_536
const FLOWS = 131_072
const NAMES_PER_ADDRESS = 8
const DNS_PORT = 53
/** An answer this much after the first packet of a connection is not why it was made. */
const LATE_MS = 1_000

export interface PeerName {
  readonly name: string
  readonly nameSource: NameSource
}

/** Which name a connection's peer goes by. Bounded: what was not met for long is forgotten first. */
export interface NameBook {
  /** @param isOurs whether an address is this machine's */
  learn(reports: readonly NameReport[], isOurs: (address: Ip) => boolean): void
  /**
   * The best name by now; a better one may come with later packets, or with the owner, but none that is only newer.
   * A connection to port 53 with its owner tells who asks there.
   */
  nameOf(connection: Connection): PeerName | undefined
}

/**
 * How well a name fits a connection: the connection said it itself; its own process asked for it; its machine did,
 * shortly before; somebody did, some time.
 */
const ITS_OWN = 4
const ITS_PROCESS = 3
const ITS_MACHINE = 2
const SOMEBODY = 1
/** Reverse DNS tells what whoever has the address calls it, not what anybody asked for. */
const ITS_POINTER = 0.5

interface Known extends PeerName {
  readonly at: number
  readonly client: Ip
  readonly isOurs: boolean
  /** The flow of the question. */
  readonly flow?: number
}

interface Given extends PeerName {
  readonly fit: number
}

export const createNameBook = (): NameBook => new BoundedNames()

class BoundedNames implements NameBook {
  /** Newest first. */
  readonly #byAddress = new RecentMap<Ip, readonly Known[]>(ADDRESSES)
  readonly #given = new RecentMap<number, Given>(FLOWS)
  /** Process that asked in a flow to a resolver. */
  readonly #askers = new RecentMap<number, number>(FLOWS)

  learn(reports: readonly NameReport[], isOurs: (address: Ip) => boolean): void {
    for (const report of reports) {
      const { address, name, source: nameSource, at, client, flow } = report
      const isSaid = nameSource === 'tls' || nameSource === 'http'
      if (isSaid && flow !== undefined) this.#given.set(flow, { name, nameSource, fit: ITS_OWN })
      const fresh = {
        name,
        nameSource,
        at,
        client,
        isOurs: isOurs(client),
        ...(flow !== undefined && { flow }),
      }
      const before = this.#byAddress.get(address) ?? []
      const others = before.filter((known) => known.name !== name || known.client !== client)
      this.#byAddress.set(address, [fresh, ...others].slice(0, NAMES_PER_ADDRESS))
    }
  }

  nameOf(connection: Connection): PeerName | undefined {
    const { id, peer, direction, targetPort, owner } = connection
    if (targetPort === DNS_PORT && owner && owner.pid > 0) this.#askers.set(id, owner.pid)
    const given = this.#given.get(id)
    // What an inbound connection asks for is our name, not its originator's.
    if (given && given.fit === ITS_OWN && direction !== 'inbound') return given
    let best = direction === 'inbound' ? undefined : given
    for (const known of this.#byAddress.get(peer) ?? []) {
      const fit = this.#fitOf(known, connection)
      if (fit > (best?.fit ?? 0)) best = { name: known.name, nameSource: known.nameSource, fit }
    }
    if (best && best !== given && direction !== 'inbound') this.#given.set(id, best)
    return best
  }

  #fitOf(known: Known, { direction, source, openedAt, owner }: Connection): number {
    if (known.nameSource === 'ptr') return ITS_POINTER
    if (known.at > openedAt + LATE_MS) return SOMEBODY
    const asker = known.flow === undefined ? undefined : this.#askers.get(known.flow)
    if (asker !== undefined && asker === owner?.pid) return ITS_PROCESS
    const isHere = direction === 'outbound' || direction === 'local'
    return known.client === source || (isHere && known.isOurs) ? ITS_MACHINE : SOMEBODY
  }
}
