import type { Connection } from '../../../src/contract/schemas.ts'
import { downOf, isInbound, programOf, upOf } from './row.ts'

const FRESH_MS = 60_000

export interface Program {
  readonly key: string
  readonly name: string
  down: number
  up: number
  connections: number
}

/** What the live connections add up to. `programs` has the busiest first. */
export interface Survey {
  readonly programs: readonly Program[]
  readonly hosts: number
  readonly all: number
  readonly inbound: number
  /** Without a known program. */
  readonly unknown: number
  /** Opened within the last minute. */
  readonly fresh: number
}

/** One pass over all connections for everything that is counted about them. */
export function survey(
  connections: Iterable<Connection>,
  isGone: (id: number) => boolean,
  now: number,
): Survey {
  const programs = new Map<string, Program>()
  const hosts = new Set<string>()
  const counts = { all: 0, inbound: 0, unknown: 0, fresh: 0 }
  for (const connection of connections) {
    if (isGone(connection.id)) continue
    counts.all++
    hosts.add(connection.peer)
    if (isInbound(connection)) counts.inbound++
    if (now - connection.openedAt < FRESH_MS) counts.fresh++
    if (connection.owner) addTo(programs, connection, connection.owner.name)
    else counts.unknown++
  }
  const busiest = [...programs.values()].sort(
    (a, b) => b.down + b.up - a.down - a.up || b.connections - a.connections,
  )
  return { programs: busiest, hosts: hosts.size, ...counts }
}

function addTo(programs: Map<string, Program>, connection: Connection, name: string): void {
  const key = programOf(connection)
  const program = programs.get(key) ?? { key, name, down: 0, up: 0, connections: 0 }
  program.down += downOf(connection)
  program.up += upOf(connection)
  program.connections++
  programs.set(key, program)
}
