import type { RulesOutcome } from '#contract/rules.ts'
import { defineCommand } from '../command.ts'
import { asking, type CommonOptions, leaf } from '../leaf.ts'
import { outcomeText } from '../rule-words.ts'
import { parseDuration } from '../words.ts'

export default defineCommand({
  order: 82,
  add(program, shell) {
    const lockdown = program
      .command('lockdown')
      .description('let only loopback and open sessions pass, for a time')
      .argument('<time>', '90s, 10m, 2h')
    leaf(lockdown, 'lockdown 10m').action(async (time: string, options: CommonOptions) => {
      const { core, show } = asking(shell, options)
      const request = { kind: 'lockdown', seconds: parseDuration(time) }
      show(await core.ask<RulesOutcome>('POST', '/rules/hold', request), ({ sentence, ...rest }) =>
        outcomeText({ ...rest, sentence, check: { ...rest.check, problems: [], remarks: [] } }),
      )
    })
  },
})
