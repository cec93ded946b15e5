import type { Command } from 'commander'
import type { AllowEntry, Outcome } from '#contract/schemas.ts'
import { defineCommand, type Shell } from '../command.ts'
import { asking, type CommonOptions, leaf, outcomeText, withDryRun } from '../leaf.ts'
import { tableText } from '../table.ts'
import { readTarget } from '../words.ts'

interface ActOptions extends CommonOptions {
  readonly note?: string
  readonly dryRun?: boolean
}

export default defineCommand({
  order: 70,
  add(program, shell) {
    const allow = program.command('allow').description('addresses that may never be blocked')
    addList(allow, shell)
    const add = allow.command('add').description('never block this').argument('<target>', 'address or range')
    withDryRun(leaf(add, 'allow add 192.0.2.0/24 --note office'))
      .option('--note <text>', 'whose it is')
      .action(async (target: string, options: ActOptions) => {
        const { core, show } = asking(shell, options)
        const request = {
          target: readTarget(target),
          ...(options.note !== undefined && { note: options.note }),
          ...(options.dryRun && { dryRun: true }),
        }
        show(await core.ask<Outcome>('POST', '/allow', request), outcomeText)
      })
    const remove = allow
      .command('remove')
      .description('take it off the list')
      .argument('<target>', 'address or range')
    withDryRun(leaf(remove, 'allow remove 192.0.2.0/24')).action(
      async (target: string, options: ActOptions) => {
        const { core, show } = asking(shell, options)
        const path = `/allow/${encodeURIComponent(readTarget(target))}?dryRun=${options.dryRun === true}`
        show(await core.ask<Outcome>('DELETE', path), outcomeText)
      },
    )
  },
})

function addList(allow: Command, shell: Shell): void {
  const list = allow
    .command('list', { isDefault: true })
    .description('the allow list, and why each entry is on it')
  leaf(list, 'allow list').action(async (options: CommonOptions) => {
    const { core, show } = asking(shell, options)
    show(await core.ask<AllowEntry[]>('GET', '/allow'), (entries) =>
      tableText(
        [
          { title: 'TARGET', cell: ({ target }) => target },
          { title: 'FROM', cell: ({ source }) => source },
          { title: 'NOTE', canShrink: true, cell: ({ note }) => note },
        ],
        entries,
        shell.terminal,
      ),
    )
  })
}
