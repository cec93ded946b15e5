import { defineCommand } from '../command.ts'
import { asking, type CommonOptions, leaf } from '../leaf.ts'

export default defineCommand({
  order: 120,
  add(program, shell) {
    const login = program.command('login').description('make a link to the page that works once')
    leaf(login, 'login').action(async (options: CommonOptions) => {
      const { core, show } = asking(shell, options)
      show(await core.ask<{ link: string }>('POST', '/login-link'), ({ link }) => `${link}\n`)
    })
  },
})
