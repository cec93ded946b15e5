import { defineCommand } from '../command.ts'
import { asking, type CommonOptions, leaf } from '../leaf.ts'

export default defineCommand({
  order: 120,
  add(program, shell) {
    const login = program.command('login').description('make a link to the page that works once')
    leaf(login, 'login --account anna')
      .option('--account <name>', 'whose it is, in the role of that account (default: yours, as admin)')
      .action(async (options: CommonOptions & { account?: string }) => {
        const { core, show } = asking(shell, options)
        const query = options.account === undefined ? '' : `?account=${encodeURIComponent(options.account)}`
        show(await core.ask<{ link: string }>('POST', `/login-link${query}`), ({ link }) => `${link}\n`)
      })
  },
})
