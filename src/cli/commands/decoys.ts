import type { Command } from 'commander'
import type { DecoyChange, DecoyOutcome, DecoyStatus } from '#contract/decoys.ts'
import { visibleText } from '#lib/visible-text.ts'
import { defineCommand, type Shell, type Terminal } from '../command.ts'
import { asking, type CommonOptions, leaf, withDryRun } from '../leaf.ts'
import { tableText } from '../table.ts'
import { durationText } from '../words.ts'

type ChangeOptions = CommonOptions & { readonly dryRun?: true }

export default defineCommand({
  order: 96,
  add(program, shell) {
    const decoys = program
      .command('decoys')
      .description('ports that answer though nothing listens, and who touched them')
    const list = decoys
      .command('list', { isDefault: true })
      .description('what answers, who touched it, and what it said')
    leaf(list, 'decoys').action(async (options: CommonOptions) => {
      const { core, show } = asking(shell, options)
      const now = shell.now()
      show(await core.ask<DecoyStatus>('GET', '/decoys'), (status) => statusText(status, now, shell.terminal))
    })
    addAdd(decoys, shell)
    addRemove(decoys, shell)
    addSwitch(decoys, shell, true)
    addSwitch(decoys, shell, false)
  },
})

function addAdd(decoys: Command, shell: Shell): void {
  const add = decoys
    .command('add')
    .description('let ports of this machine, or addresses that nobody uses, answer from now on')
    .argument('<place...>', 'TCP ports such as 23, and addresses such as 192.0.2.9')
    .option('--banner <text>', 'what these ports say first')
  withDryRun(leaf(add, 'decoys add 23 3389 --dry-run')).action(
    async (places: string[], options: ChangeOptions & { readonly banner?: string }) => {
      const { banner } = options
      await change(shell, options, { add: places, ...(banner !== undefined && { banner }) })
    },
  )
}

function addRemove(decoys: Command, shell: Shell): void {
  const remove = decoys
    .command('remove')
    .description('let these answer no more')
    .argument('<place...>', 'ports and addresses that are decoys')
  withDryRun(leaf(remove, 'decoys remove 23')).action(async (places: string[], options: ChangeOptions) =>
    change(shell, options, { remove: places }),
  )
}

function addSwitch(decoys: Command, shell: Shell, isEnabled: boolean): void {
  const word = isEnabled ? 'on' : 'off'
  const description = isEnabled ? 'let those that are set answer again' : 'let none answer; they stay set'
  const command = decoys.command(word).description(description)
  withDryRun(leaf(command, `decoys ${word}`)).action(async (options: ChangeOptions) =>
    change(shell, options, { isEnabled }),
  )
}

async function change(shell: Shell, options: ChangeOptions, asked: DecoyChange): Promise<void> {
  const { core, show } = asking(shell, options)
  const request = { ...asked, ...(options.dryRun && { dryRun: true }) }
  show(await core.ask<DecoyOutcome>('PATCH', '/decoys', request), outcomeText)
}

function outcomeText({ sentence, consequences, decisions }: DecoyOutcome): string {
  const lines = [sentence, ...consequences.map((one) => one.sentence)].map((line) => visibleText(line))
  const ids = decisions.map(({ id }) => `gatehouse undo ${id}`).reverse()
  return `${lines.join('\n')}\n${ids.length > 0 ? `Undo: ${ids.join(' && ')}\n` : ''}`
}

const NONE = `There are no decoys: nothing answers where nothing listens.
Whoever connects to a decoy is an attacker with no doubt. To begin: gatehouse decoys add 23 3389 --dry-run
`

function statusText(status: DecoyStatus, now: number, terminal: Terminal): string {
  const { ports, addresses, peers } = status
  if (ports.length + addresses.length === 0) return NONE
  const head = headText(status)
  if (peers.length === 0) return `${head}Nobody connected to one yet.\n`
  return (
    head +
    tableText(
      [
        {
          title: 'FOR',
          cell: ({ state, since, lastAt }) => durationText((state === 'held' ? now : lastAt) - since),
        },
        { title: 'PEER', cell: ({ peer, peerPort }) => `${peer} ${peerPort}` },
        { title: 'DECOY', cell: ({ address, port }) => `${address} ${port}` },
        { title: 'STATE', cell: ({ state }) => state },
        { title: 'BLOCKED', cell: ({ isBlocked }) => (isBlocked ? 'yes' : 'no') },
        { title: 'ALERT', cell: ({ alertId }) => (alertId === undefined ? '' : `${alertId}`) },
        { title: 'BYTES', cell: ({ bytes }) => `${bytes}` },
        { title: 'SAID', canShrink: true, cell: ({ said }) => said },
      ],
      peers,
      terminal,
    )
  )
}

const FATE: Readonly<Record<DecoyStatus['mode'], string>> = {
  act: 'who connects is blocked',
  suggest: 'for who connects a block is suggested',
  watch: 'who connects is told of, not blocked',
  off: 'nobody is told of who connects: the detector decoy is off',
}

function headText({ isEnabled, mode, problem, ...status }: DecoyStatus): string {
  const { ports, addresses, givenWay, answered, unanswered } = status
  const places = [...(ports.length > 0 ? [`ports ${ports.join(', ')}`] : []), ...addresses].join('; ')
  if (!isEnabled) return `Decoys are off. Set are: ${places}. To let them answer: gatehouse decoys on\n`
  const given = givenWay.length > 0 ? `A program listens at ${givenWay.join(', ')}: no decoy now.\n` : ''
  const beyond = unanswered > 0 ? `, ${unanswered} beyond the rate were not` : ''
  const trouble = problem
    ? `They do not answer now: ${visibleText(problem.sentence)}. ${visibleText(problem.hint)}\n`
    : ''
  const counted = `${answered} ${answered === 1 ? 'SYN was' : 'SYNs were'} answered${beyond}.`
  return `Decoys: ${places}; ${FATE[mode]}. ${counted}\n${given}${trouble}`
}
