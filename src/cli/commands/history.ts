import type { Connection, Page } from '#contract/schemas.ts'
import { defineCommand } from '../command.ts'
import { pastText } from '../connection-table.ts'
import { asking, type CommonOptions, leaf } from '../leaf.ts'
import { pathOf, queryOf, withSearch } from '../search.ts'
import { durationText } from '../words.ts'

/** A search of the past comes in short pages: so many are put together at most. */
const MOST_PAGES = 200

interface HistoryOptions extends CommonOptions {
  readonly limit: string
}

export default defineCommand({
  order: 31,
  add(program, shell) {
    const command = program.command('history').description('connections of the past, newest first')
    withSearch(leaf(command, 'history name:*.example.com since:7d'))
      .option('--limit <count>', 'how many', '50')
      .action(async (words: string[], options: HistoryOptions) => {
        const { core, show } = asking(shell, options)
        const query = queryOf(words, shell.now())
        const page = await gather((cursor, limit) => {
          const next = cursor === undefined ? '' : `cursor=${encodeURIComponent(cursor)}`
          return core.ask<Page<Connection>>('GET', pathOf('/flows', query, `limit=${limit}`, next))
        }, options.limit)
        show(page, ({ items, next, searchedTo }) => {
          const now = shell.now()
          const end = searchedTo === undefined ? '' : ` Searched back ${durationText(now - searchedTo)}.`
          if (items.length === 0) return `No connection of the past fits.${end}\n`
          const more = next === undefined ? '' : `There are more: --limit.${end}\n`
          return `${pastText(items, now, shell.terminal)}${more}`
        })
      })
  },
})

/** Asks for pages until there are enough, or nothing is left. */
async function gather(
  ask: (cursor: string | undefined, limit: string) => Promise<Page<Connection>>,
  limit: string,
): Promise<Page<Connection>> {
  let page = await ask(undefined, limit)
  for (let pages = 1; pages < MOST_PAGES && page.next !== undefined; pages++) {
    // Only a page that was cut short by time goes on: a full one is what was asked for.
    const missing = Number(limit) - page.items.length
    if (page.searchedTo === undefined || missing <= 0) return page
    const following = await ask(page.next, String(missing))
    const items = [...page.items, ...following.items]
    page = { ...following, items, total: items.length }
  }
  return page
}
