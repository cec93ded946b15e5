import { containerText } from '#contract/container-text.ts'
import type { Connection } from '#contract/schemas.ts'
import type { Terminal } from './command.ts'
import { type Column, tableText } from './table.ts'
import { bytesText, durationText, endpointText } from './words.ts'

const ARROWS = { inbound: 'in', outbound: 'out', forward: 'through', local: 'local' } as const

/** Connections that are open, the busiest first. */
export function liveText(connections: readonly Connection[], now: number, terminal: Terminal): string {
  const byRate = [...connections].sort((a, b) => rateOf(b) - rateOf(a) || b.seenAt - a.seenAt)
  return tableText([...WHO, ...speed, ...ageOf(now), ...endOf(connections)], byRate, terminal)
}

/** Connections of the past, as they come: newest first. */
export const pastText = (connections: readonly Connection[], now: number, terminal: Terminal): string =>
  tableText([...whenOf(now), ...WHO, ...volume, ...endOf(connections)], connections, terminal)

const rateOf = (connection: Connection): number => connection.rateForward + connection.rateBackward

const WHO: readonly Column<Connection>[] = [
  { title: 'PROGRAM', canShrink: true, cell: ({ owner }) => owner?.name ?? '—' },
  { title: 'WAY', cell: ({ direction }) => ARROWS[direction] },
  { title: 'PROTO', cell: ({ protocol }) => protocol },
  { title: 'PEER', cell: ({ peer, peerPort }) => endpointText(peer, peerPort) },
  { title: 'NAME', canShrink: true, cell: ({ name }) => name ?? '—' },
  { title: 'FROM', cell: ({ country }) => country ?? '—' },
  { title: 'HERE', isRight: true, cell: ({ localPort }) => (localPort === 0 ? '—' : String(localPort)) },
  { title: 'STATE', cell: ({ state }) => state },
]

const speed: readonly Column<Connection>[] = [
  { title: 'DOWN/S', isRight: true, cell: (row) => bytesText(down(row)) },
  { title: 'UP/S', isRight: true, cell: (row) => bytesText(rateOf(row) - down(row)) },
]

const volume: readonly Column<Connection>[] = [
  {
    title: 'DOWN',
    isRight: true,
    cell: (row) => bytesText(isIn(row) ? row.bytesForward : row.bytesBackward),
  },
  { title: 'UP', isRight: true, cell: (row) => bytesText(isIn(row) ? row.bytesBackward : row.bytesForward) },
]

const ageOf = (now: number): readonly Column<Connection>[] => [
  { title: 'AGE', isRight: true, cell: ({ openedAt }) => durationText(now - openedAt) },
]

const whenOf = (now: number): readonly Column<Connection>[] => [
  { title: 'OPENED', isRight: true, cell: ({ openedAt }) => `${durationText(now - openedAt)} ago` },
]

/** Most machines have no containers: then there is no column for them. */
const endOf = (connections: readonly Connection[]): readonly Column<Connection>[] => [
  ...(connections.some(({ owner }) => owner?.container) ? [CONTAINER] : []),
  { title: 'KNOWN BY', cell: ({ owner }) => (owner ? knownBy(owner) : '—') },
  ...END,
]

const CONTAINER: Column<Connection> = {
  title: 'CONTAINER',
  canShrink: true,
  cell: ({ owner }) => (owner?.container ? containerText(owner.container) : '—'),
}

/** How its program is known, and how sure that is. */
const knownBy = ({ source, confidence }: NonNullable<Connection['owner']>): string =>
  confidence === undefined ? source : `${source} ${Math.round(confidence * 100)}%`

const END: readonly Column<Connection>[] = [
  { title: 'VERDICT', cell: ({ verdict }) => verdict },
  { title: 'ID', isRight: true, cell: ({ id }) => String(id) },
]

const isIn = ({ direction }: Connection): boolean => direction === 'inbound'

/** What comes to this machine: from the originator of an inbound flow, else from its target. */
const down = (row: Connection): number => (isIn(row) ? row.rateForward : row.rateBackward)
