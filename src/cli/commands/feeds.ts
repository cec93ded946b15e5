import { type Command, Option } from 'commander'
import type { Feed, FeedOutcome } from '#contract/intel.ts'
import { visibleText } from '#lib/visible-text.ts'
import { defineCommand, type Shell, type Terminal } from '../command.ts'
import { asking, type CommonOptions, leaf } from '../leaf.ts'
import { tableText } from '../table.ts'
import { bytesText, durationText } from '../words.ts'

export default defineCommand({
  order: 100,
  add(program, shell) {
    const feeds = program.command('feeds').description('threat lists: all are off until you switch them on')
    addList(feeds, shell)
    addShow(feeds, shell)
    addOn(feeds, shell)
    addAct(feeds, shell, {
      verb: 'off',
      about: 'switch a list off',
      method: 'PUT',
      path: '',
      body: { isOn: false },
    })
    addAct(feeds, shell, { verb: 'update', about: 'fetch a list now', method: 'POST', path: '/update' })
    const held = { method: 'POST', path: '/held' } as const
    addAct(feeds, shell, {
      ...held,
      verb: 'accept',
      about: 'take the version that waits for you',
      body: { accept: true },
    })
    addAct(feeds, shell, {
      ...held,
      verb: 'reject',
      about: 'throw that version away',
      body: { accept: false },
    })
  },
})

interface Act {
  readonly verb: string
  readonly about: string
  readonly method: 'PUT' | 'POST'
  readonly path: string
  readonly body?: unknown
}

const pathOf = (id: string): string => `/feeds/${encodeURIComponent(id)}`
const sentenceOf = ({ sentence }: FeedOutcome): string => `${visibleText(sentence)}\n`

function addList(feeds: Command, shell: Shell): void {
  const list = feeds.command('list', { isDefault: true }).description('every list, and how it is doing')
  leaf(list, 'feeds').action(async (options: CommonOptions) => {
    const { core, show } = asking(shell, options)
    show(await core.ask<Feed[]>('GET', '/feeds'), (all) => feedsText(all, shell.now(), shell.terminal))
  })
}

function addShow(feeds: Command, shell: Shell): void {
  const show = feeds.command('show').description('all about one list').argument('<id>', 'id of the list')
  leaf(show, 'feeds show feodo').action(async (id: string, options: CommonOptions) => {
    const asked = asking(shell, options)
    asked.show(await asked.core.ask<Feed>('GET', pathOf(id)), (feed) => feedText(feed, shell.now()))
  })
}

function addOn(feeds: Command, shell: Shell): void {
  const on = feeds
    .command('on')
    .description('switch a list on: from now on it is fetched')
    .argument('<id>', 'id of the list')
  leaf(on, 'feeds on feodo --action block')
    .addOption(
      new Option('--action <action>', 'what happens when a peer is on it (default: alert)').choices([
        'record',
        'alert',
        'block',
      ]),
    )
    .action(async (id: string, options: CommonOptions & { readonly action?: Feed['action'] }) => {
      const { core, show } = asking(shell, options)
      const change = { isOn: true, ...(options.action !== undefined && { action: options.action }) }
      show(await core.ask<FeedOutcome>('PUT', pathOf(id), change), sentenceOf)
    })
}

function addAct(feeds: Command, shell: Shell, { verb, about, method, path, body }: Act): void {
  const act = feeds.command(verb).description(about).argument('<id>', 'id of the list')
  leaf(act, `feeds ${verb} feodo`).action(async (id: string, options: CommonOptions) => {
    const { core, show } = asking(shell, options)
    show(await core.ask<FeedOutcome>(method, `${pathOf(id)}${path}`, body), sentenceOf)
  })
}

function feedsText(feeds: readonly Feed[], now: number, terminal: Terminal): string {
  return tableText(
    [
      { title: 'ID', cell: ({ id }) => id },
      { title: 'STATE', cell: ({ state }) => state },
      { title: 'ACTION', cell: ({ isOn, action }) => (isOn ? action : '') },
      { title: 'ENTRIES', isRight: true, cell: ({ isOn, entries }) => (isOn ? String(entries) : '') },
      { title: 'HITS', isRight: true, cell: ({ isOn, hits }) => (isOn ? String(hits) : '') },
      { title: 'UPDATED', isRight: true, cell: ({ updatedAt }) => agoText(updatedAt, now) },
      {
        title: 'WHAT',
        canShrink: true,
        cell: ({ title, category, reason }) => reason ?? `${title}: ${category}`,
      },
    ],
    feeds,
    terminal,
  )
}

function feedText(feed: Feed, now: number): string {
  const rows: readonly (readonly [string, string | undefined])[] = [
    ['Title', feed.title],
    ['State', feed.reason === undefined ? feed.state : `${feed.state}: ${feed.reason}`],
    ['Action', feed.action],
    ['Decided by', feed.decidedBy],
    ['About', feed.category],
    ['From', feed.from],
    ['Format', feed.format],
    ['Licence', feed.licence],
    ['Read more', feed.homepage],
    ['Fetched', `every ${feed.everyHours} h`],
    ['Entries', String(feed.entries)],
    [
      'Hits',
      feed.lastHitAt === undefined
        ? String(feed.hits)
        : `${feed.hits}, the last ${agoText(feed.lastHitAt, now)}`,
    ],
    ['Turned away', feed.dropped && `${feed.dropped.packets} packets, ${bytesText(feed.dropped.bytes)}`],
    ['Updated', agoText(feed.updatedAt, now)],
    [
      'Next',
      feed.nextTryAt === undefined ? undefined : `in ${durationText(Math.max(0, feed.nextTryAt - now))}`,
    ],
    ['Waits for you', feed.held && `${feed.held.entries} entries: ${feed.held.reason}`],
  ]
  return rows
    .flatMap(([name, text]) => (text ? [`${`${name}:`.padEnd(15)}${visibleText(text)}\n`] : []))
    .join('')
}

const agoText = (at: number | undefined, now: number): string =>
  at === undefined ? '' : `${durationText(now - at)} ago`
