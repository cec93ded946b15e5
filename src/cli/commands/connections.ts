import type { Connection } from '#contract/schemas.ts'
import { defineCommand } from '../command.ts'
import { liveText } from '../connection-table.ts'
import { asking, type CommonOptions, leaf } from '../leaf.ts'
import { pathOf, queryOf, withSearch } from '../search.ts'

export default defineCommand({
  order: 30,
  add(program, shell) {
    const command = program
      .command('connections')
      .description('who talks to whom, by which program, right now')
    withSearch(leaf(command, 'connections app:curl -port:443')).action(
      async (words: string[], options: CommonOptions) => {
        const { core, show } = asking(shell, options)
        const query = queryOf(words, shell.now())
        show(await core.ask<Connection[]>('GET', pathOf('/connections', query)), (rows) => {
          if (rows.length > 0) return liveText(rows, shell.now(), shell.terminal)
          return query === '' ? 'No connection is open.\n' : 'No open connection fits.\n'
        })
      },
    )
  },
})
