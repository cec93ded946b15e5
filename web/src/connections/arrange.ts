import type { Connection } from '../../../src/contract/schemas.ts'
import { text } from '../text/text.ts'
import { compareBy, type Order } from './order.ts'
import { bytesOf, downOf, programOf, type Row, upOf, type View } from './row.ts'

/** What the list is made of. */
export interface Arrangement {
  readonly view: View
  readonly order: Order
  /** Which flows are in: the search, and what waits behind the pill. */
  isIn(connection: Connection): boolean
  isGone(connection: Connection): boolean
  /** A block in force names the peer, as far as the page knows by now. */
  isBlocked(connection: Connection): boolean
  isOpen(key: string, level: number): boolean
}

/**
 * The list: programs with their hosts with their flows, or hosts with their flows, or flows.
 * `rows` is what is seen, closed groups without what is in them; `roots` is the whole tree; `flows` counts what is in.
 */
export function arrange(
  connections: Iterable<Connection>,
  arrangement: Arrangement,
): { readonly rows: Row[]; readonly roots: Row[]; readonly flows: number } {
  const roots = new Map<string, Row>()
  const hosts = new Map<string, Row>()
  const flat: Row[] = []
  let flows = 0
  for (const connection of connections) {
    if (!arrangement.isIn(connection)) continue
    flows++
    const flow = flowRow(connection, arrangement)
    if (arrangement.view === 'flat') {
      flat.push(flow)
      continue
    }
    const byProgram = arrangement.view === 'program'
    const program = byProgram ? programRow(roots, connection) : undefined
    const host = hostRow(byProgram ? hosts : roots, connection, program)
    flow.level = host.level + 1
    host.children.push(flow)
    add(host, flow)
    if (program) add(program, flow)
  }
  const tops = arrangement.view === 'flat' ? flat : [...roots.values()]
  const rows: Row[] = []
  lay(tops, arrangement, rows)
  return { rows, roots: tops, flows }
}

/** The same row with what its connections are by now; its place, and what is below it, stay. */
export function refreshed(
  row: Row,
  latest: (connection: Connection) => Connection,
  arrangement: Pick<Arrangement, 'isGone' | 'isBlocked'>,
): Row {
  const fresh: Row = { ...row, connections: [], down: 0, up: 0, bytes: 0, blocked: 0, isGone: true }
  for (const connection of row.connections) {
    const now = latest(connection)
    const isGone = arrangement.isGone(now)
    fresh.connections.push(now)
    if (!isGone) {
      fresh.down += downOf(now)
      fresh.up += upOf(now)
      fresh.isGone = false
    }
    fresh.bytes += bytesOf(now)
    if (arrangement.isBlocked(now)) fresh.blocked++
  }
  return fresh
}

/** Puts siblings in order, and the open ones' children below them. */
function lay(siblings: Row[], arrangement: Arrangement, into: Row[]): void {
  siblings.sort(compareBy(arrangement.order))
  for (const row of siblings) {
    into.push(row)
    if (row.children.length === 0) continue
    row.isOpen = arrangement.isOpen(row.key, row.level)
    // Closed groups are put in order too, so that opening one while the order is held shows it as it should be.
    lay(row.children, arrangement, row.isOpen ? into : [])
  }
}

function flowRow(connection: Connection, arrangement: Pick<Arrangement, 'isGone' | 'isBlocked'>): Row {
  const isGone = arrangement.isGone(connection)
  return {
    key: `f:${connection.id}`,
    kind: 'flow',
    level: 1,
    title: connection.peer,
    connections: [connection],
    children: [],
    down: isGone ? 0 : downOf(connection),
    up: isGone ? 0 : upOf(connection),
    bytes: bytesOf(connection),
    blocked: arrangement.isBlocked(connection) ? 1 : 0,
    isGone,
    isOpen: false,
  }
}

function programRow(roots: Map<string, Row>, connection: Connection): Row {
  const program = programOf(connection)
  const title = connection.owner?.name ?? text.connections[program === 'through' ? 'through' : 'unknown']
  return getOrCreate(roots, `p:${program}`, () => group(`p:${program}`, 'program', 1, title))
}

function hostRow(hosts: Map<string, Row>, connection: Connection, program: Row | undefined): Row {
  const key = program ? `h:${connection.peer}@${program.key.slice(2)}` : `h:${connection.peer}`
  return getOrCreate(hosts, key, () => {
    const host = group(key, 'host', program ? 2 : 1, connection.peer)
    program?.children.push(host)
    return host
  })
}

function group(key: string, kind: Row['kind'], level: number, title: string): Row {
  const nothing = { down: 0, up: 0, bytes: 0, blocked: 0 }
  return { key, kind, level, title, connections: [], children: [], ...nothing, isGone: true, isOpen: false }
}

function add(row: Row, flow: Row): void {
  const [connection] = flow.connections
  if (connection) row.connections.push(connection)
  row.down += flow.down
  row.up += flow.up
  row.bytes += flow.bytes
  row.blocked += flow.blocked
  if (!flow.isGone) row.isGone = false
}

function getOrCreate(rows: Map<string, Row>, key: string, create: () => Row): Row {
  const known = rows.get(key)
  if (known) return known
  const fresh = create()
  rows.set(key, fresh)
  return fresh
}
