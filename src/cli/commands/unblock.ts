import type { Outcome } from '#contract/schemas.ts'
import { defineCommand } from '../command.ts'
import { asking, type CommonOptions, leaf, outcomeText, withDryRun } from '../leaf.ts'
import { readTarget } from '../words.ts'

export default defineCommand({
  order: 60,
  add(program, shell) {
    const unblock = program
      .command('unblock')
      .description('take a block away')
      .argument('<target>', 'address or range, as block list names it')
    withDryRun(leaf(unblock, 'unblock 203.0.113.9')).action(
      async (target: string, options: CommonOptions & { dryRun?: boolean }) => {
        const { core, show } = asking(shell, options)
        const path = `/blocks/${encodeURIComponent(readTarget(target))}?dryRun=${options.dryRun === true}`
        show(await core.ask<Outcome>('DELETE', path), outcomeText)
      },
    )
  },
})
