import type { Command } from 'commander'
import type { AllowEntry, Outcome } from '#contract/schemas.ts'
import { defineCommand, type Shell } from '../command.ts'
import { asking, type CommonOptions, leaf, outcomeText, withDryRun } from '../leaf.ts'
import { type ChangeOptions, change, sendShortForm } from '../rule-words.ts'
import { tableText } from '../table.ts'
import { readTarget } from '../words.ts'

interface ActOptions extends CommonOptions {
  readonly note?: string
  readonly dryRun?: boolean
}

export default defineCommand({
  order: 70,
  add(program, shell) {
    const allow = program
      .command('allow')
      .description('addresses that may never be blocked; or a firewall rule: allow 22/tcp from 192.0.2.0/24')
    addList(allow, shell)
    addRule(allow, shell)
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
  const list = allow.command('list').description('the allow list, and why each entry is on it')
  leaf(list, 'allow list').action((options: CommonOptions) => showList(shell, options))
}

async function showList(shell: Shell, options: CommonOptions): Promise<void> {
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
}

/** What is neither list, add nor remove is a rule in its short form, as ufw has it. */
function addRule(allow: Command, shell: Shell): void {
  const rule = allow
    .command('rule', { isDefault: true })
    .description('add a firewall rule that lets in (the word rule may be left out)')
    .argument('[words...]', 'such as 22/tcp from 192.0.2.0/24')
  change(rule, 'allow 22/tcp from 192.0.2.0/24').action(
    async (words: readonly string[], options: ChangeOptions) => {
      if (words.length === 0) await showList(shell, options)
      else await sendShortForm(shell, { verb: 'allow', words }, options)
    },
  )
}
