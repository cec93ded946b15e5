import { defineCommand } from '../command.ts'
import { addShortForm } from '../rule-words.ts'

export default defineCommand({
  order: 75,
  add(program, shell) {
    addShortForm(
      program.command('limit').description('add a rule that lets in so many and no more'),
      'limit',
      shell,
    )
  },
})
