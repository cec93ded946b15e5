import type { Graph, GraphEdge, GraphNode, GraphPattern } from '#contract/views.ts'
import { createTurns, type Turns } from '#lib/turns.ts'
import type { CallHome } from '#model/call-home.ts'
import type { Connection } from '#model/flow.ts'
import { bytesOf, programKeyOf } from '#model/summary.ts'
import { duration } from './present.ts'
import { findRelays, type Relay } from './relays.ts'

/** What a page can draw, and a person can read. */
const MAX_EDGES = 400
const MAX_PATTERNS = 60
const MAX_REASONS = 6
/** A program that talks to this many hosts fans out. */
const FAN_OUT_HOSTS = 25
/** Names and ports in one reason. */
const LISTED = 4

export interface GraphParts {
  readonly connections: readonly Connection[]
  readonly callHomes: readonly CallHome[]
  /** False: there were more connections than these. */
  readonly isComplete: boolean
}

interface Talk {
  readonly program: string
  readonly host: string
  connections: number
  opened: number
  bytesIn: number
  bytesOut: number
  firstAt: number
  lastAt: number
  readonly ports: Map<string, number>
  readonly names: Set<string>
}

/**
 * Who talks to whom as nodes and edges, with what stands out among them. The largest edges are kept. In turns: packets and
 * answers do not wait for it.
 */
export async function graphOf(
  { connections, callHomes, isComplete }: GraphParts,
  turns = createTurns(),
): Promise<Graph> {
  const all = await talksOf(connections, turns)
  const relays = await findRelays(connections, turns)
  await turns.rest()
  const talks = all.toSorted((a, b) => b.bytesIn + b.bytesOut - a.bytesIn - a.bytesOut).slice(0, MAX_EDGES)
  const patterns = [
    ...relays.slice(0, MAX_PATTERNS).map(relayPattern),
    ...callHomes.slice(0, MAX_PATTERNS).map(callHomePattern),
    ...fanOuts(all),
    ...sharedHosts(all),
  ].slice(0, MAX_PATTERNS)
  const edges: GraphEdge[] = []
  for (const talk of talks) {
    await turns.rest()
    edges.push(edgeOf(talk, patterns))
  }
  edges.push(...nameEdges(talks))
  await turns.rest()
  return {
    nodes: nodesOf(edges, patterns),
    edges,
    patterns,
    connections: connections.length,
    isComplete: isComplete && talks.length === all.length,
  }
}

const programId = (key: string): string => `program:${key}`
const hostId = (address: string): string => `host:${address}`
const nameId = (name: string): string => `name:${name}`

async function talksOf(connections: readonly Connection[], turns: Turns): Promise<Talk[]> {
  const talks = new Map<string, Talk>()
  for (const connection of connections) {
    const program = connection.owner ? programKeyOf(connection.owner) : UNKNOWN
    const key = `${connection.peer} ${program}`
    const talk = talks.get(key) ?? emptyTalk(program, connection)
    talks.set(key, talk)
    add(talk, connection)
    await turns.rest()
  }
  return [...talks.values()]
}

const UNKNOWN = 'an unknown program'

const emptyTalk = (program: string, { peer, openedAt, seenAt }: Connection): Talk => ({
  program,
  host: peer,
  connections: 0,
  opened: 0,
  bytesIn: 0,
  bytesOut: 0,
  firstAt: openedAt,
  lastAt: seenAt,
  ports: new Map(),
  names: new Set(),
})

function add(talk: Talk, connection: Connection): void {
  const { bytesIn, bytesOut } = bytesOf(connection)
  talk.connections++
  if (connection.direction !== 'inbound') talk.opened++
  talk.bytesIn += bytesIn
  talk.bytesOut += bytesOut
  talk.firstAt = Math.min(talk.firstAt, connection.openedAt)
  talk.lastAt = Math.max(talk.lastAt, connection.seenAt)
  const port = `${connection.direction === 'inbound' ? 'its own port' : 'port'} ${connection.targetPort}`
  if (talk.ports.size < 50 || talk.ports.has(port)) talk.ports.set(port, (talk.ports.get(port) ?? 0) + 1)
  if (connection.name !== undefined && talk.names.size < 20) talk.names.add(connection.name)
}

function edgeOf(talk: Talk, patterns: readonly GraphPattern[]): GraphEdge {
  const [from, to] = [programId(talk.program), hostId(talk.host)]
  const taken = talk.connections - talk.opened
  const reasons: string[] = []
  if (talk.opened > 0)
    reasons.push(
      `${labelOf(talk.program)} opened ${times(talk.opened)} to ${talk.host}, ${portsText(talk, 'port')}.`,
    )
  if (taken > 0)
    reasons.push(
      `${labelOf(talk.program)} took ${times(taken)} from ${talk.host}, ${portsText(talk, 'its own port')}.`,
    )
  if (talk.names.size > 0) reasons.push(`It is called ${listText([...talk.names])}.`)
  for (const { nodes, because } of patterns) {
    if (reasons.length < MAX_REASONS && nodes.includes(from) && nodes.includes(to)) reasons.push(because)
  }
  const { connections, bytesIn, bytesOut, firstAt, lastAt } = talk
  return { from, to, kind: 'talks', connections, bytesIn, bytesOut, firstAt, lastAt, reasons }
}

const times = (count: number): string => (count === 1 ? 'one connection' : `${count} connections`)

function portsText({ ports }: Talk, kind: string): string {
  const ofKind = [...ports].filter(([port]) => port.startsWith(`${kind} `)).sort((a, b) => b[1] - a[1])
  return listText(ofKind.map(([port]) => port))
}

function listText(all: readonly string[]): string {
  const shown = all.slice(0, LISTED).join(', ')
  return all.length > LISTED ? `${shown} and ${all.length - LISTED} more` : shown
}

function nameEdges(talks: readonly Talk[]): GraphEdge[] {
  const edges = new Map<string, GraphEdge>()
  for (const talk of talks) {
    for (const name of talk.names) {
      const key = `${name} ${talk.host}`
      const known = edges.get(key)
      edges.set(key, {
        from: hostId(talk.host),
        to: nameId(name),
        kind: 'is-called',
        connections: (known?.connections ?? 0) + talk.connections,
        bytesIn: (known?.bytesIn ?? 0) + talk.bytesIn,
        bytesOut: (known?.bytesOut ?? 0) + talk.bytesOut,
        firstAt: Math.min(known?.firstAt ?? talk.firstAt, talk.firstAt),
        lastAt: Math.max(known?.lastAt ?? talk.lastAt, talk.lastAt),
        reasons: [`${talk.host} was called ${name}.`],
      })
    }
  }
  return [...edges.values()].slice(0, MAX_EDGES)
}

/** The ends of the edges; what a pattern names is a node too, so that it can be pointed at. */
function nodesOf(edges: readonly GraphEdge[], patterns: readonly GraphPattern[]): GraphNode[] {
  const nodes = new Map<string, GraphNode>()
  const grow = (id: string, edge?: GraphEdge): void => {
    const known = nodes.get(id) ?? { ...emptyNode(id) }
    if (edge) {
      known.connections += edge.connections
      known.bytes += edge.bytesIn + edge.bytesOut
    }
    nodes.set(id, known)
  }
  for (const edge of edges) {
    grow(edge.to, edge)
    // A host counts what programs talk to it, not once more for each of its names.
    grow(edge.from, edge.kind === 'talks' ? edge : undefined)
  }
  for (const { nodes: named } of patterns) for (const id of named) grow(id)
  return [...nodes.values()]
}

function emptyNode(id: string): GraphNode {
  const kind = id.slice(0, id.indexOf(':')) as GraphNode['kind']
  const key = id.slice(kind.length + 1)
  return { id, kind, label: kind === 'program' ? labelOf(key) : key, connections: 0, bytes: 0 }
}

/** The last part of a path. */
const labelOf = (program: string): string => program.split('/').at(-1) || program

function relayPattern(relay: Relay): GraphPattern {
  const { program, pid, from, to, toPort, bytesForth, bytesBack, delayMs } = relay
  const often = relay.times === 1 ? 'once' : `${relay.times} times`
  return {
    kind: 'relay',
    nodes: [programId(program), hostId(from), hostId(to)],
    because:
      `${labelOf(program)} (process ${pid}) took a connection from ${from} and ${Math.round(delayMs)} ms later opened one to ` +
      `${to} port ${toPort}; ${bytesForth} bytes went on and ${bytesBack} came back on both alike, ${often}: a proxy or a pivot.`,
    firstAt: relay.firstAt,
    lastAt: relay.lastAt,
    count: relay.times,
  }
}

function callHomePattern(home: CallHome): GraphPattern {
  const { program, peer, port, openings, intervalMs, jitter } = home
  return {
    kind: 'call-home',
    nodes: [programId(program), hostId(peer)],
    because:
      `${labelOf(program)} called ${peer} port ${port} every ${duration(intervalMs / 1000)}, ${openings} times, ` +
      `${(jitter * 100).toFixed(jitter < 0.01 ? 1 : 0)} % off at most half of the time.`,
    firstAt: home.firstAt,
    lastAt: home.lastAt,
    count: openings,
  }
}

function fanOuts(talks: readonly Talk[]): GraphPattern[] {
  const byProgram = Map.groupBy(
    talks.filter(({ opened }) => opened > 0),
    ({ program }) => program,
  )
  return [...byProgram]
    .filter(([, hosts]) => hosts.length >= FAN_OUT_HOSTS)
    .sort((a, b) => b[1].length - a[1].length)
    .slice(0, MAX_PATTERNS)
    .map(([program, hosts]) => ({
      kind: 'fan-out',
      nodes: [programId(program)],
      because: `${labelOf(program)} opened connections to ${hosts.length} hosts.`,
      ...spanOf(hosts),
      count: hosts.length,
    }))
}

function sharedHosts(talks: readonly Talk[]): GraphPattern[] {
  const byHost = Map.groupBy(
    talks.filter(({ program }) => program !== UNKNOWN),
    ({ host }) => host,
  )
  return [...byHost]
    .filter(([, programs]) => programs.length > 1)
    .sort((a, b) => b[1].length - a[1].length)
    .slice(0, MAX_PATTERNS)
    .map(([host, programs]) => ({
      kind: 'shared-host',
      nodes: [hostId(host), ...programs.slice(0, 20).map(({ program }) => programId(program))],
      because: `${programs.length} programs talk to ${host}: ${listText(programs.map(({ program }) => labelOf(program)))}.`,
      ...spanOf(programs),
      count: programs.length,
    }))
}

const spanOf = (talks: readonly Talk[]): { readonly firstAt: number; readonly lastAt: number } => ({
  firstAt: Math.min(...talks.map(({ firstAt }) => firstAt)),
  lastAt: Math.max(...talks.map(({ lastAt }) => lastAt)),
})
