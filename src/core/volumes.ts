import type { Carried } from '#detect/observer.ts'
import { RecentMap } from '#lib/recent-map.ts'
import type { Connection } from '#model/flow.ts'
import { bytesOf } from '#model/summary.ts'

/** Flows that go on at the same time; what is forgotten is not counted twice but not at all. */
const MOST_FLOWS = 131_072

interface Known {
  bytesIn: number
  bytesOut: number
  hasOwner: boolean
}

/** A stranger came, and nobody answered: a flood of these is nobody's traffic, and must cost little. */
const isKnock = ({ direction, packetsBackward }: Connection): boolean =>
  packetsBackward === 0 && (direction === 'inbound' || direction === 'forward')

/** Makes reports of flows, which count from their begin, into what was carried since the last one. */
export interface Volumes {
  take(connections: readonly Connection[]): Carried[]
}

export function createVolumes(capacity = MOST_FLOWS): Volumes {
  const flows = new RecentMap<number, Known>(capacity)

  function take(connection: Connection): Carried[] {
    const { id, owner, ended } = connection
    if (isKnock(connection)) return []
    const total = bytesOf(connection)
    const known = flows.get(id)
    if (ended === undefined) flows.set(id, { ...total, hasOwner: owner !== undefined })
    else flows.delete(id)
    const before = known ?? { bytesIn: 0, bytesOut: 0, hasOwner: false }
    const carried: Carried = {
      connection,
      bytesIn: Math.max(0, total.bytesIn - before.bytesIn),
      bytesOut: Math.max(0, total.bytesOut - before.bytesOut),
      isNew: known === undefined,
      isLate: false,
    }
    if (!known || known.hasOwner || !owner) return [carried]
    // The program is known at last: what was carried until now was its own.
    return [carried, { ...before, connection, isNew: true, isLate: true }]
  }

  return { take: (connections) => connections.flatMap(take) }
}
