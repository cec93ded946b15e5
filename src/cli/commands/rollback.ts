import type { RulesOutcome } from '#contract/rules.ts'
import { defineCommand } from '../command.ts'
import { asking, type CommonOptions, leaf } from '../leaf.ts'
import { outcomeText } from '../rule-words.ts'

export default defineCommand({
  order: 78,
  add(program, shell) {
    leaf(program.command('rollback').description('go back to the rules before, now'), 'rollback').action(
      async (options: CommonOptions) => {
        const { core, show } = asking(shell, options)
        show(await core.ask<RulesOutcome>('POST', '/rules/rollback'), outcomeText)
      },
    )
  },
})
