import { type Command, Option } from 'commander'
import {
  type Summary,
  type SummaryKind,
  SummaryKind as SummaryKinds,
  type SummaryList,
} from '#contract/views.ts'
import { defineCommand, type Shell } from '../command.ts'
import { asking, type CommonOptions, leaf } from '../leaf.ts'
import { pathOf, queryOf, sinceOf, withSearch } from '../search.ts'
import { type Column, tableText } from '../table.ts'
import { bytesText, durationText } from '../words.ts'

interface SummaryOptions extends CommonOptions {
  readonly over?: string
  readonly since?: string
  readonly limit: string
  readonly by?: SummaryKind
}

export default defineCommand({
  order: 32,
  add(program, shell) {
    const programs = program.command('programs').description('what each program carries, now or over a time')
    addSummary(programs, shell, 'program', 'programs --over 7d country:DE')
    const hosts = program.command('hosts').description('what each host carries, now or over a time')
    addSummary(hosts, shell, 'host', 'hosts --over 30d app:curl')
    const by = new Option('--by <what>', 'what to sum up by').choices(SummaryKinds.options).default('country')
    const summary = program.command('summary').description('the same by country, port, user or container')
    addSummary(summary.addOption(by), shell, 'country', 'summary --by port --over 1d')
  },
})

function addSummary(command: Command, shell: Shell, kind: SummaryKind, example: string): void {
  withSearch(leaf(command, example))
    .option('--over <time>', 'look back: 10m, 2h, 7d, 30d (default: what is open now)')
    .option('--since <time>', 'the same')
    .option('--limit <count>', 'how many', '50')
    .action(async (words: string[], options: SummaryOptions) => {
      const { core, show } = asking(shell, options)
      const period = options.over ?? options.since
      const since = period === undefined ? '' : sinceOf(period, shell.now())
      const limit = `limit=${encodeURIComponent(options.limit)}`
      const path = pathOf('/summaries', `by=${options.by ?? kind}`, since, limit, queryOf(words, shell.now()))
      show(await core.ask<SummaryList>('GET', path), (list) => summaryText(list, shell))
    })
}

function summaryText(list: SummaryList, shell: Shell): string {
  const { by, items, total, since, isComplete, counted } = list
  if (items.length === 0) return 'Nothing fits.\n'
  const now = shell.now()
  const table = tableText(
    [
      { title: by.toUpperCase(), canShrink: true, cell: ({ key }) => keyText(key) },
      { title: 'CONNECTIONS', isRight: true, cell: ({ flows }) => String(flows) },
      { title: 'IN', isRight: true, cell: ({ bytesIn }) => bytesText(bytesIn) },
      { title: 'OUT', isRight: true, cell: ({ bytesOut }) => bytesText(bytesOut) },
      ...(counted ? COUNTED : []),
      { title: 'LAST', isRight: true, cell: ({ lastAt }) => `${durationText(now - lastAt)} ago` },
    ],
    items,
    shell.terminal,
  )
  const more = total > items.length ? `${items.length} of ${total}; more with --limit\n` : ''
  const reach =
    isComplete || since === undefined ? '' : `Looked back ${durationText(now - since)}, no further.\n`
  return table + more + reach + countedText(counted, now)
}

type Counted = NonNullable<SummaryList['counted']>

const COUNTED: readonly Column<Summary>[] = [
  { title: 'COUNTED IN', isRight: true, cell: ({ counted }) => (counted ? bytesText(counted.bytesIn) : '') },
  {
    title: 'COUNTED OUT',
    isRight: true,
    cell: ({ counted }) => (counted ? bytesText(counted.bytesOut) : ''),
  },
]

const HOW: Readonly<Record<Counted['source'], string>> = {
  packets: 'of each packet, headers included, loopback too',
  messages: 'of what programs send and take, without headers',
  sockets: 'of TCP sockets, without headers',
}

function countedText(counted: Counted | undefined, now: number): string {
  if (!counted) return ''
  const { source, otherSources = [], seconds, since } = counted
  const how = [source, ...otherSources].map((one) => HOW[one]).join('; at times ')
  const [ofHowMuch, ofWhat] =
    since === undefined
      ? ['', 'of what is open now']
      : [` of ${durationText(now - since)}`, 'of what was captured']
  return `Counted by the kernel for ${durationText(seconds * 1000)}${ofHowMuch}: ${how}. In and out are ${ofWhat}.\n`
}

function keyText(key: string): string {
  if (key === '') return '(unknown)'
  return key === '*' ? '(all others)' : key
}
