import type { Outcome } from '#contract/schemas.ts'
import type { RecordingFile, ShieldStatus } from '#contract/shield.ts'
import { defineCommand, type Terminal } from '../command.ts'
import { Failure } from '../failure.ts'
import { asking, type CommonOptions, leaf, outcomeText } from '../leaf.ts'
import { tableText } from '../table.ts'
import { bytesText, durationText } from '../words.ts'

export default defineCommand({
  order: 97,
  add(program, shell) {
    const shield = program
      .command('shield')
      .description('ports behind a SYN proxy, challenged addresses, closed ports')
    const list = shield.command('list', { isDefault: true }).description('all of them, and how long it lasts')
    leaf(list, 'shield').action(async (options: CommonOptions) => {
      const { core, show } = asking(shell, options)
      const now = Date.now()
      show(await core.ask<ShieldStatus>('GET', '/shield'), (status) => listText(status, now, shell.terminal))
    })
    const open = shield
      .command('open')
      .description('open a port that a playbook closed')
      .argument('<port>', 'its number')
    leaf(open, 'shield open 8080').action(async (port: string, options: CommonOptions) => {
      if (!/^\d{1,5}$/.test(port)) throw new Failure(`${port} is no port.`, 'Use a number, such as 8080.', 2)
      const { core, show } = asking(shell, options)
      show(await core.ask<Outcome>('DELETE', `/shield/closed/${port}`), outcomeText)
    })
    const captures = shield
      .command('captures')
      .description('files of packets that playbooks kept, newest first')
    leaf(captures, 'shield captures').action(async (options: CommonOptions) => {
      const { core, show } = asking(shell, options)
      show(await core.ask<RecordingFile[]>('GET', '/recordings'), (files) => filesText(files, shell.terminal))
    })
  },
})

function listText({ guarded, challenged, closed }: ShieldStatus, now: number, terminal: Terminal): string {
  const rows = [
    ...guarded.map(({ port, until }) => ({ what: `port ${port}`, how: 'behind a SYN proxy', until })),
    ...challenged.map(({ address, until }) => ({ what: address, how: 'challenged', until })),
    ...closed.map(({ port, until }) => ({ what: `port ${port}`, how: 'closed', until })),
  ]
  if (rows.length === 0) return 'Nothing is guarded, challenged or closed.\n'
  return tableText(
    [
      { title: 'WHAT', cell: ({ what }) => what },
      { title: 'HOW', cell: ({ how }) => how },
      { title: 'LEFT', cell: ({ until }) => durationText(Math.max(0, until - now)) },
    ],
    rows,
    terminal,
  )
}

function filesText(files: readonly RecordingFile[], terminal: Terminal): string {
  if (files.length === 0) return 'No packets were kept.\n'
  return tableText(
    [
      { title: 'SIZE', cell: ({ bytes }) => bytesText(bytes) },
      { title: 'FILE', cell: ({ path }) => path },
    ],
    files,
    terminal,
  )
}
