import type { RulesOutcome } from '#contract/rules.ts'
import { defineCommand } from '../command.ts'
import { asking } from '../leaf.ts'
import { type ChangeOptions, change, howOf, outcomeText, readFile } from '../rule-words.ts'

export default defineCommand({
  order: 76,
  add(program, shell) {
    const apply = program
      .command('apply')
      .description('enforce rules: a file, the draft, or the rules file as it is now')
      .argument('[file]', 'default: the draft, else the rules file')
    change(apply, 'apply new-rules.yaml --confirm 60s').action(
      async (file: string | undefined, options: ChangeOptions) => {
        const { core, show } = asking(shell, options)
        const request = { ...howOf(options), ...(file !== undefined && { text: readFile(file) }) }
        show(await core.ask<RulesOutcome>('POST', '/rules/apply', request), outcomeText)
      },
    )
  },
})
