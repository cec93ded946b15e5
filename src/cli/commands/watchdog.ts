import type { Command } from 'commander'
import type { Outcome } from '#contract/schemas.ts'
import type { WatchedProgram } from '#contract/watchdog.ts'
import { defineCommand, type Shell } from '../command.ts'
import { asking, type CommonOptions, leaf, outcomeText, withDryRun } from '../leaf.ts'
import { tableText } from '../table.ts'

interface ActOptions extends CommonOptions {
  readonly byHash?: boolean
  readonly reason?: string
  readonly dryRun?: boolean
}

export default defineCommand({
  order: 75,
  add(program, shell) {
    const watchdog = program.command('watchdog').description('programs that are kept off the network')
    addList(watchdog, shell)
    const add = watchdog
      .command('add')
      .description('close all that a program has open, and let it open nothing more')
      .argument('<program>', 'path, SHA-256 or name')
    withDryRun(leaf(add, 'watchdog add /usr/bin/telnet --by-hash'))
      .option('--by-hash', 'the content of the file at this path: copies and new names too')
      .option('--reason <text>', 'why, for the record')
      .action(async (named: string, { byHash, reason, dryRun, ...options }: ActOptions) => {
        const { core, show } = asking(shell, options)
        const request = {
          program: named,
          ...(byHash && { byHash }),
          ...(reason !== undefined && { reason }),
          ...(dryRun && { dryRun }),
        }
        show(await core.ask<Outcome>('POST', '/watchdog', request), outcomeText)
      })
    const remove = watchdog
      .command('remove')
      .description('let it connect again')
      .argument('<program>', 'as the list names it')
    withDryRun(leaf(remove, 'watchdog remove /usr/bin/telnet')).action(
      async (named: string, options: ActOptions) => {
        const { core, show } = asking(shell, options)
        const path = `/watchdog?program=${encodeURIComponent(named)}&dryRun=${options.dryRun === true}`
        show(await core.ask<Outcome>('DELETE', path), outcomeText)
      },
    )
  },
})

function addList(watchdog: Command, shell: Shell): void {
  const list = watchdog
    .command('list', { isDefault: true })
    .description('what is watched, since when, and what that did')
  leaf(list, 'watchdog list').action(async (options: CommonOptions) => {
    const { core, show } = asking(shell, options)
    show(await core.ask<WatchedProgram[]>('GET', '/watchdog'), (programs) =>
      tableText(
        [
          { title: 'PROGRAM', canShrink: true, cell: ({ program }) => program },
          { title: 'REFUSED', cell: ({ refusals }) => `${refusals}` },
          { title: 'CLOSED', cell: ({ closed }) => `${closed}` },
          { title: 'BY', cell: ({ actor }) => actor },
          { title: 'NOTE', canShrink: true, cell: ({ spared, reason }) => spared ?? reason },
        ],
        programs,
        shell.terminal,
      ),
    )
  })
}
