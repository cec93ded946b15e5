import type { Connection } from '../../../src/contract/schemas.ts'

export type Owner = NonNullable<Connection['owner']>

export type View = 'program' | 'host' | 'flat'
export const VIEWS: readonly View[] = ['program', 'host', 'flat']

/** One line of the list: a program, a host, or a flow; the first two stand for the flows below them. */
export interface Row {
  /** Stable over time: `p:…`, `h:…`, `f:…`. */
  readonly key: string
  readonly kind: 'program' | 'host' | 'flow'
  level: number
  readonly title: string
  readonly connections: Connection[]
  readonly children: Row[]
  down: number
  up: number
  bytes: number
  blocked: number
  /** All flows below are over. */
  isGone: boolean
  isOpen: boolean
}

export const isInbound = (connection: Connection): boolean => connection.direction === 'inbound'

/** Bytes per second towards this machine, and away from it. */
export const downOf = (c: Connection): number => (isInbound(c) ? c.rateForward : c.rateBackward)
export const upOf = (c: Connection): number => (isInbound(c) ? c.rateBackward : c.rateForward)
export const bytesOf = (c: Connection): number => c.bytesForward + c.bytesBackward
export const retransmitsOf = (c: Connection): number => c.retransmitsForward + c.retransmitsBackward

/** The port that says what is spoken: ours when they called, theirs when we did. */
export const servicePort = (c: Connection): number => (isInbound(c) ? c.localPort : c.peerPort)

export const hasPorts = (c: Connection): boolean => !c.protocol.startsWith('icmp')

/** What all flows of a row agree on, or undefined. */
export function common<Value>(row: Row, read: (connection: Connection) => Value): Value | undefined {
  const { connections } = row
  const [first] = connections
  if (!first) return undefined
  const value = read(first)
  for (const connection of connections) if (read(connection) !== value) return undefined
  return value
}

export const ownerOf = (row: Row): Owner | undefined => row.connections.find(({ owner }) => owner)?.owner

const SURENESS: readonly (Owner['source'] | 'none')[] = ['none', 'guess', 'scan', 'netlink', 'ebpf', 'kernel']

/** How the owner is known, at the least sure of the row's connections. */
export function sourceOf(row: Row): Owner['source'] | 'none' {
  const sources = new Set(row.connections.map(({ owner }) => owner?.source ?? 'none'))
  return SURENESS.find((source) => sources.has(source)) ?? 'none'
}

/** How sure it is, at the least sure of the row's connections; nothing where one has no owner. */
export function confidenceOf(row: Row): number | undefined {
  let least: number | undefined
  for (const { owner } of row.connections) {
    if (owner?.confidence === undefined) return undefined
    least = Math.min(least ?? 1, owner.confidence)
  }
  return least
}

/** Country of the peer, or what its address is reserved for. */
export const placeOf = ({ country, special }: Connection): string => country ?? special ?? ''

/** Equal for flows of the same program; `through` for those that only pass this machine. */
export function programOf(connection: Connection): string {
  const { owner, direction } = connection
  if (owner) return owner.unreadableBecause === undefined ? owner.path : `?${owner.name}`
  return direction === 'forward' ? 'through' : 'unknown'
}

/** Oldest first packet of the row. */
export const openedAt = (row: Row): number =>
  row.connections.reduce((oldest, { openedAt }) => Math.min(oldest, openedAt), Number.POSITIVE_INFINITY)

/** Slowest handshake of the row. */
export function slowest(row: Row): number | undefined {
  let most: number | undefined
  for (const { handshakeMs } of row.connections) {
    if (handshakeMs !== undefined && handshakeMs > (most ?? -1)) most = handshakeMs
  }
  return most
}

/** A connection of the past as a row of its own. */
export const pastRow = (connection: Connection): Row => ({
  key: `f:${connection.id}`,
  kind: 'flow',
  level: 1,
  title: connection.peer,
  connections: [connection],
  children: [],
  down: 0,
  up: 0,
  bytes: bytesOf(connection),
  blocked: connection.verdict === 'blocked' ? 1 : 0,
  isGone: true,
  isOpen: false,
})
