import type { RulesOutcome } from '#contract/rules.ts'
import { defineCommand } from '../command.ts'
import { asking, type CommonOptions, leaf } from '../leaf.ts'
import { outcomeText } from '../rule-words.ts'

export default defineCommand({
  order: 77,
  add(program, shell) {
    leaf(
      program.command('confirm').description('keep the rules that wait to be confirmed'),
      'confirm',
    ).action(async (options: CommonOptions) => {
      const { core, show } = asking(shell, options)
      show(await core.ask<RulesOutcome>('POST', '/rules/confirm'), outcomeText)
    })
  },
})
