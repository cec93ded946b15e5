import type { Outcome } from '#contract/schemas.ts'
import { defineCommand } from '../command.ts'
import { asking, type CommonOptions, leaf, outcomeText } from '../leaf.ts'
import { readId } from '../words.ts'

export default defineCommand({
  order: 90,
  add(program, shell) {
    const undo = program.command('undo').description('take one decision back').argument('<id>', 'its id')
    leaf(undo, 'undo 12').action(async (id: string, options: CommonOptions) => {
      const { core, show } = asking(shell, options)
      const path = `/decisions/${readId(id, 'gatehouse decisions')}/undo`
      show(await core.ask<Outcome>('POST', path), outcomeText)
    })
  },
})
