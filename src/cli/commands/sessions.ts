import type { OpenSession } from '#contract/accounts.ts'
import type { Outcome } from '#contract/schemas.ts'
import { defineCommand, type Shell } from '../command.ts'
import { asking, type CommonOptions, leaf, outcomeText } from '../leaf.ts'
import { tableText } from '../table.ts'
import { durationText } from '../words.ts'

export default defineCommand({
  order: 123,
  add(program, shell) {
    const sessions = program.command('sessions').description('who is signed in on the page')
    const list = sessions.command('list', { isDefault: true }).description('all of them')
    leaf(list, 'sessions').action((options: CommonOptions) => showSessions(shell, options))
    const end = sessions.command('end').description('sign somebody out').argument('<id>')
    leaf(end, 'sessions end 3f7c1a2b9d0e').action(async (id: string, options: CommonOptions) => {
      const { core, show } = asking(shell, options)
      show(await core.ask<Outcome>('DELETE', `/sessions/${encodeURIComponent(id)}`), outcomeText)
    })
  },
})

async function showSessions(shell: Shell, options: CommonOptions): Promise<void> {
  const { core, show } = asking(shell, options)
  const now = shell.now()
  const ago = (at: number): string => `${durationText(now - at)} ago`
  show(await core.ask<OpenSession[]>('GET', '/sessions'), (sessions) =>
    sessions.length === 0
      ? 'Nobody is signed in on the page.\n'
      : tableText(
          [
            { title: 'ID', cell: ({ id }) => id },
            { title: 'NAME', cell: ({ name }) => name },
            { title: 'ROLE', cell: ({ role }) => role },
            { title: 'BY', cell: ({ by }) => by },
            { title: 'FROM', cell: ({ from }) => from },
            { title: 'SINCE', isRight: true, cell: ({ signedInAt }) => ago(signedInAt) },
            { title: 'LAST USED', isRight: true, cell: ({ seenAt }) => ago(seenAt) },
          ],
          sessions,
          shell.terminal,
        ),
  )
}
