import type { Connection } from '#contract/schemas.ts'
import { defineCommand, type Terminal } from '../command.ts'
import { asking, type CommonOptions, leaf } from '../leaf.ts'
import { type Column, tableText } from '../table.ts'
import { bytesText, durationText, endpointText } from '../words.ts'

const ARROWS = { inbound: 'in', outbound: 'out', forward: 'through', local: 'local' } as const

export default defineCommand({
  order: 30,
  add(program, shell) {
    const command = program
      .command('connections')
      .description('who talks to whom, by which program, right now')
    leaf(command, 'connections -o json').action(async (options: CommonOptions) => {
      const { core, show } = asking(shell, options)
      show(await core.ask<Connection[]>('GET', '/connections'), (rows) =>
        connectionsText(rows, shell.now(), shell.terminal),
      )
    })
  },
})

function connectionsText(connections: readonly Connection[], now: number, terminal: Terminal): string {
  if (connections.length === 0) return 'No connection is open.\n'
  const byRate = [...connections].sort((a, b) => rateOf(b) - rateOf(a) || b.seenAt - a.seenAt)
  return tableText(columns(now), byRate, terminal)
}

const rateOf = (connection: Connection): number => connection.rateForward + connection.rateBackward

const columns = (now: number): Column<Connection>[] => [
  { title: 'PROGRAM', canShrink: true, cell: ({ owner }) => owner?.name ?? '—' },
  { title: 'WAY', cell: ({ direction }) => ARROWS[direction] },
  { title: 'PROTO', cell: ({ protocol }) => protocol },
  { title: 'PEER', cell: ({ peer, peerPort }) => endpointText(peer, peerPort) },
  { title: 'NAME', canShrink: true, cell: ({ name }) => name ?? '—' },
  { title: 'PLACE', canShrink: true, cell: placeText },
  { title: 'HERE', isRight: true, cell: ({ localPort }) => (localPort === 0 ? '—' : String(localPort)) },
  { title: 'STATE', cell: ({ state }) => state },
  { title: 'DOWN/S', isRight: true, cell: (row) => bytesText(down(row)) },
  { title: 'UP/S', isRight: true, cell: (row) => bytesText(rateOf(row) - down(row)) },
  { title: 'AGE', isRight: true, cell: ({ openedAt }) => durationText(now - openedAt) },
  { title: 'VERDICT', cell: ({ verdict }) => verdict },
  { title: 'ID', isRight: true, cell: ({ id }) => String(id) },
]

/** Country and network, or what the address is reserved for. */
const placeText = ({ country, asn, special }: Connection): string =>
  [country, asn === undefined ? undefined : `AS${asn}`, special]
    .filter((part) => part !== undefined)
    .join(' ') || '—'

/** What comes to this machine: from the originator of an inbound flow, else from its target. */
const down = ({ direction, rateForward, rateBackward }: Connection): number =>
  direction === 'inbound' ? rateForward : rateBackward
