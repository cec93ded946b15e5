import { defineCommand } from '../command.ts'
import { addShortForm } from '../rule-words.ts'

export default defineCommand({
  order: 74,
  add(program, shell) {
    addShortForm(
      program.command('reject').description('add a rule that refuses with an answer'),
      'reject',
      shell,
    )
  },
})
