import type { Graph } from '#contract/views.ts'
import { visibleText } from '#lib/visible-text.ts'
import { defineCommand } from '../command.ts'
import { asking, type CommonOptions, leaf } from '../leaf.ts'
import { pathOf, queryOf, sinceOf, withSearch } from '../search.ts'

export default defineCommand({
  order: 35,
  add(program, shell) {
    const command = program
      .command('graph')
      .description('connections between connections: relays, programs that call home, shared hosts')
    withSearch(leaf(command, 'graph --over 1h -o json'))
      .option('--over <time>', 'look back: 10m, 2h, 7d (default: what is open now)')
      .action(async (words: string[], options: CommonOptions & { over?: string }) => {
        const { core, show } = asking(shell, options)
        const since = options.over === undefined ? '' : sinceOf(options.over, shell.now())
        show(await core.ask<Graph>('GET', pathOf('/graph', since, queryOf(words, shell.now()))), graphText)
      })
  },
})

/** What stands out; the whole graph is for `-o json` and the page. */
function graphText({ patterns, nodes, edges, connections, isComplete }: Graph): string {
  const size = `${nodes.length} nodes and ${edges.length} edges from ${connections} connections`
  const head = `${size}${isComplete ? '' : '; there are more'}.\n`
  if (patterns.length === 0) return `${head}Nothing stands out.\n`
  return head + patterns.map(({ kind, because }) => `${kind.padEnd(12)}${visibleText(because)}\n`).join('')
}
