import { defineCommand, type Terminal } from '../command.ts'
import { Failure } from '../failure.ts'
import { asking, type CommonOptions, leaf } from '../leaf.ts'

const SHORTEST = 10

export default defineCommand({
  order: 130,
  add(program, shell) {
    const password = program
      .command('password')
      .description('set the password of the page (read from stdin or asked for)')
    leaf(password, 'password --account anna')
      .option('--account <name>', 'of this account (default: owner, an admin)')
      .action(async (options: CommonOptions & { account?: string }) => {
        const { core, show } = asking(shell, options)
        // Before anybody types one for nothing.
        await core.ask('GET', '/status')
        const account = options.account === undefined ? {} : { account: options.account }
        await core.ask('PUT', '/password', { password: await readPassword(shell.terminal), ...account })
        const name = options.account ?? 'owner'
        show(
          { changed: true },
          () => `The password of ${name} works now. Who signed in with the old one is signed out.\n`,
        )
      })
  },
})

async function readPassword(terminal: Terminal): Promise<string> {
  const password = await terminal.readSecret('New password: ')
  if (Array.from(password).length < SHORTEST) {
    throw new Failure(
      `A password has at least ${SHORTEST} characters.`,
      'Four random words are easy to keep.',
      2,
    )
  }
  if (terminal.isInteractive && (await terminal.readSecret('Once more: ')) !== password) {
    throw new Failure('The two are not the same.', 'Nothing was changed. Try again: gatehouse password', 2)
  }
  return password
}
