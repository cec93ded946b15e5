import { defineCommand } from '../command.ts'
import { addShortForm } from '../rule-words.ts'

export default defineCommand({
  order: 73,
  add(program, shell) {
    addShortForm(program.command('deny').description('add a rule that drops'), 'deny', shell)
  },
})
