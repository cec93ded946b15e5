import { isInRange, parseRange } from '../../../src/contract/search/address-range.ts'
import type { Graph, GraphEdge, GraphNode, GraphPattern } from '../../../src/contract/views.ts'

export type Zone = 'local' | 'machine' | 'internet'

/** One thing that is drawn: a program, or the hosts that share a name. */
export interface Spot {
  /** Of the first node that it stands for. */
  readonly id: string
  readonly zone: Zone
  readonly label: string
  /** More than one: hosts with the same name. */
  readonly nodes: readonly GraphNode[]
  readonly bytes: number
  readonly patterns: readonly GraphPattern['kind'][]
  readonly isBlocked: boolean
  x: number
  y: number
}

export interface Line {
  readonly from: Spot
  readonly to: Spot
  readonly edges: readonly GraphEdge[]
  readonly bytes: number
  /** 0.7 to 5, by traffic. */
  readonly width: number
  readonly isBlocked: boolean
  /** A relay or a call home goes this way. */
  readonly isNotable: boolean
}

export interface Picture {
  readonly spots: readonly Spot[]
  readonly lines: readonly Line[]
  readonly height: number
  /** So many things were too small to be drawn. */
  readonly left: number
}

const ROW = 34
const TOP = 64
const LEAST_ROWS = 11
/** Room for a long address beside its spot. */
const LABEL = 200
const MOST_IN_ZONE = 40
const NOTABLE: readonly GraphPattern['kind'][] = ['relay', 'call-home']

const LOCAL = [
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '169.254.0.0/16',
  '127.0.0.0/8',
  '224.0.0.0/4',
  '255.255.255.255',
  '::/127',
  'fc00::/7',
  'fe80::/10',
  'ff00::/8',
].flatMap((range) => parseRange(range) ?? [])

export const isLocal = (address: string): boolean => LOCAL.some((range) => isInRange(address, range))

export const addressOf = (node: GraphNode): string => node.id.slice(node.kind.length + 1)

/**
 * Places a graph in three zones: local network, this machine, internet. The same graph is always laid the same way:
 * programs by traffic, hosts beside the programs that they talk to.
 */
export function lay(graph: Graph, width: number, isBlocked: (address: string) => boolean): Picture {
  const all = spotsOf(graph, isBlocked)
  const drawn = (['machine', 'local', 'internet'] as const).flatMap((zone) =>
    all
      .filter((spot) => spot.zone === zone)
      .sort(byWeight)
      .slice(0, MOST_IN_ZONE),
  )
  const lines = linesOf(graph, drawn)
  const height = place(drawn, lines, width)
  return { spots: drawn, lines, height, left: all.length - drawn.length }
}

/** What stands out is drawn before what is large. */
const byWeight = (a: Spot, b: Spot): number =>
  Number(b.isBlocked) - Number(a.isBlocked) ||
  Number(b.patterns.length > 0) - Number(a.patterns.length > 0) ||
  b.bytes - a.bytes ||
  compare(a.id, b.id)

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

function spotsOf({ nodes, edges, patterns }: Graph, isBlocked: (address: string) => boolean): Spot[] {
  const nameOf = new Map<string, string>()
  for (const { kind, from, to } of edges) {
    if (kind === 'is-called' && !nameOf.has(from)) nameOf.set(from, to.slice('name:'.length))
  }
  const groups = grouped(
    nodes.filter(({ kind }) => kind !== 'name'),
    (node) => `${zoneOf(node)} ${nameOf.get(node.id) ?? node.id}`,
  )
  return [...groups.values()].flatMap((group) => {
    const [first] = group
    if (!first) return []
    const kinds = patterns.filter((pattern) => group.some(({ id }) => pattern.nodes.includes(id)))
    return {
      id: first.id,
      zone: zoneOf(first),
      label: nameOf.get(first.id) ?? first.label,
      nodes: group,
      bytes: group.reduce((sum, { bytes }) => sum + bytes, 0),
      patterns: [...new Set(kinds.map(({ kind }) => kind))],
      isBlocked: first.kind === 'host' && group.every((node) => isBlocked(addressOf(node))),
      x: 0,
      y: 0,
    }
  })
}

function grouped<Item>(items: readonly Item[], keyOf: (item: Item) => string): Map<string, Item[]> {
  const groups = new Map<string, Item[]>()
  for (const item of items) {
    const group = groups.get(keyOf(item))
    if (group) group.push(item)
    else groups.set(keyOf(item), [item])
  }
  return groups
}

const zoneOf = (node: GraphNode): Zone =>
  node.kind === 'program' ? 'machine' : isLocal(addressOf(node)) ? 'local' : 'internet'

function linesOf({ edges, patterns }: Graph, spots: readonly Spot[]): Line[] {
  const spotOf = new Map(spots.flatMap((spot) => spot.nodes.map(({ id }) => [id, spot] as const)))
  const talks = edges.filter(({ kind, from, to }) => kind === 'talks' && spotOf.has(from) && spotOf.has(to))
  const groups = grouped(talks, ({ from, to }) => `${spotOf.get(from)?.id} ${spotOf.get(to)?.id}`)
  const bytesOf = (group: readonly GraphEdge[]): number =>
    group.reduce((sum, { bytesIn, bytesOut }) => sum + bytesIn + bytesOut, 0)
  const most = Math.max(1, ...[...groups.values()].map(bytesOf))
  const notable = patterns.filter(({ kind }) => NOTABLE.includes(kind))
  return [...groups.values()].flatMap((group) => {
    const [first] = group
    const [from, to] = [spotOf.get(first?.from ?? ''), spotOf.get(first?.to ?? '')]
    if (!from || !to) return []
    const bytes = bytesOf(group)
    return {
      from,
      to,
      edges: group,
      bytes,
      width: 0.7 + 4.3 * Math.sqrt(bytes / most),
      isBlocked: to.isBlocked || from.isBlocked,
      isNotable: group.some((edge) =>
        notable.some(({ nodes }) => nodes.includes(edge.from) && nodes.includes(edge.to)),
      ),
    }
  })
}

/** Sets the place of each spot; answers how high the picture is. */
function place(spots: readonly Spot[], lines: readonly Line[], width: number): number {
  const inZone = (zone: Zone): Spot[] => spots.filter((spot) => spot.zone === zone)
  const programs = inZone('machine').sort((a, b) => b.bytes - a.bytes || compare(a.id, b.id))
  const [local, internet] = [inZone('local'), inZone('internet')]
  const most = Math.max(LEAST_ROWS, programs.length, local.length, internet.length)
  const height = TOP + most * ROW + 16
  spread(programs, height)
  for (const [at, spot] of programs.entries()) spot.x = width / 2 + (at % 2 === 0 ? -1 : 1) * width * 0.05
  for (const [hosts, x] of [
    [local, Math.max(LABEL, width * 0.22)],
    [internet, width * 0.74],
  ] as const) {
    const middles = new Map(hosts.map((spot) => [spot, middleOf(spot, lines)]))
    hosts.sort((a, b) => (middles.get(a) ?? 0) - (middles.get(b) ?? 0) || compare(a.id, b.id))
    spread(hosts, height)
    for (const spot of hosts) spot.x = x
  }
  return height
}

/** The mean height of the programs at the other ends. */
function middleOf(spot: Spot, lines: readonly Line[]): number {
  const ends = lines.filter(({ to }) => to === spot).map(({ from }) => from.y)
  return ends.length === 0 ? Number.MAX_SAFE_INTEGER : ends.reduce((sum, y) => sum + y, 0) / ends.length
}

function spread(spots: readonly Spot[], height: number): void {
  const room = height - TOP - 16
  for (const [at, spot] of spots.entries()) spot.y = Math.round(TOP + (room * (at + 0.5)) / spots.length)
}
