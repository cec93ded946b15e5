import type { RuleSimulation } from '#contract/rules.ts'
import { visibleText } from '#lib/visible-text.ts'
import { defineCommand, type Terminal } from '../command.ts'
import { asking, type CommonOptions, leaf } from '../leaf.ts'
import { readFile } from '../rule-words.ts'
import { tableText } from '../table.ts'
import { bytesText, endpointText, parseDuration } from '../words.ts'

interface SimulateOptions extends CommonOptions {
  readonly last: string
}

export default defineCommand({
  order: 80,
  add(program, shell) {
    const simulate = program
      .command('simulate')
      .description('what rules would have decided otherwise about the connections of the past')
      .argument('[file]', 'default: the draft, else the rules file')
    leaf(simulate, 'simulate new-rules.yaml --last 7d')
      .option('--last <time>', 'how far back: 90m, 24h, 7d', '24h')
      .action(async (file: string | undefined, options: SimulateOptions) => {
        const { core, show } = asking(shell, options)
        const request = {
          since: shell.now() - parseDuration(options.last) * 1000,
          ...(file !== undefined && { text: readFile(file) }),
        }
        show(await core.ask<RuleSimulation>('POST', '/rules/simulate', request), (answer) =>
          simulationText(answer, shell.terminal),
        )
      })
  },
})

function simulationText(
  { flows, changed, isPartial, differences }: RuleSimulation,
  terminal: Terminal,
): string {
  const more = isPartial ? ' (there are more than were looked at)' : ''
  const summary = `${changed} of ${flows} connections would have been decided otherwise${more}.\n`
  if (differences.length === 0) return summary
  const table = tableText(
    [
      { title: 'WOULD BE', cell: ({ to }) => to },
      { title: 'TIMES', isRight: true, cell: (row) => String(row.flows) },
      { title: 'BYTES', isRight: true, cell: ({ bytes }) => bytesText(bytes) },
      { title: 'WAY', cell: ({ direction }) => direction },
      { title: 'PEER', cell: ({ host, port }) => endpointText(host, port) },
      { title: 'PROGRAM', canShrink: true, cell: (row) => visibleText(row.program) },
      { title: 'WHY', canShrink: true, cell: ({ because }) => because },
    ],
    differences,
    terminal,
  )
  return `${summary}\n${table}`
}
