import type { DecoyStatus } from '#contract/decoys.ts'
import { defineCommand, type Terminal } from '../command.ts'
import { asking, type CommonOptions, leaf } from '../leaf.ts'
import { tableText } from '../table.ts'
import { durationText } from '../words.ts'

export default defineCommand({
  order: 96,
  add(program, shell) {
    const decoys = program.command('decoys').description('decoy ports, who touched them, and what they said')
    leaf(decoys, 'decoys').action(async (options: CommonOptions) => {
      const { core, show } = asking(shell, options)
      show(await core.ask<DecoyStatus>('GET', '/decoys'), (status) => statusText(status, shell.terminal))
    })
  },
})

function statusText(status: DecoyStatus, terminal: Terminal): string {
  const { ports, givenWay, addresses, answered, unanswered, peers } = status
  if (ports.length + addresses.length === 0) {
    return 'There are no decoys. Set decoys.ports in the config, such as [23, 3389].\n'
  }
  const places = [...(ports.length > 0 ? [`ports ${ports.join(', ')}`] : []), ...addresses].join('; ')
  const given = givenWay.length > 0 ? ` A program listens at ${givenWay.join(', ')}: no decoy now.` : ''
  const beyond = unanswered > 0 ? `, ${unanswered} beyond the rate were not` : ''
  const head = `Decoys: ${places}.${given} ${answered} SYNs were answered${beyond}.\n`
  if (peers.length === 0) return head
  return (
    head +
    tableText(
      [
        { title: 'FOR', cell: ({ since, lastAt }) => durationText(lastAt - since) },
        { title: 'PEER', cell: ({ peer, peerPort }) => `${peer} ${peerPort}` },
        { title: 'DECOY', cell: ({ address, port }) => `${address} ${port}` },
        { title: 'STATE', cell: ({ state }) => state },
        { title: 'BYTES', cell: ({ bytes }) => `${bytes}` },
        { title: 'SAID', canShrink: true, cell: ({ said }) => said },
      ],
      peers,
      terminal,
    )
  )
}
