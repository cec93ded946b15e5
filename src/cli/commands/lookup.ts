import type { Lookup } from '#contract/intel.ts'
import type { Reputation } from '#contract/reputation.ts'
import { visibleText } from '#lib/visible-text.ts'
import { defineCommand, type Terminal } from '../command.ts'
import { asking, type CommonOptions, leaf } from '../leaf.ts'
import { reputationText } from '../reputation.ts'
import { tableText } from '../table.ts'

export default defineCommand({
  order: 101,
  add(program, shell) {
    const lookup = program
      .command('lookup')
      .description('which threat lists hold an address, domain, URL or hash')
      .argument('<value>', 'address, domain, URL, hash of a file, JA3 or JA4')
    const asks = leaf(lookup, 'lookup 203.0.113.9').option(
      '--ask',
      'ask the services that are on: this leaves the machine',
    )
    asks.action(async (value: string, options: CommonOptions & { readonly ask?: boolean }) => {
      const { core, show } = asking(shell, options)
      const found = options.ask
        ? await core.ask<Lookup>('POST', '/lookup', { value })
        : await core.ask<Lookup>('GET', `/lookup?value=${encodeURIComponent(value)}`)
      const hasOne = HAS_REPUTATION.has(found.kind) && !value.includes('/')
      const reputation = hasOne
        ? await core.ask<Reputation>('GET', `/reputation?of=${encodeURIComponent(value)}`)
        : undefined
      show({ ...found, ...(reputation && { reputation }) }, (known) => lookupText(known, shell.terminal))
    })
  },
})

const HAS_REPUTATION: ReadonlySet<string> = new Set(['target', 'domain', 'sha256', 'sha1', 'md5'])

type Found = Lookup & { readonly reputation?: Reputation }

function lookupText(found: Found, terminal: Terminal): string {
  const reputation = found.reputation ? `\n${reputationText(found.reputation)}` : ''
  return listingsText(found, terminal) + reputation
}

function listingsText(found: Lookup, terminal: Terminal): string {
  const opinions = (found.opinions ?? []).map(
    ({ title, score, sentence }) =>
      `${title}: ${sentence}${score === undefined ? '' : ` (${score} of 100)`}.`,
  )
  const { sentence, ignoredBecause, allowedBecause, blockedBecause, troubles = [] } = found
  const notes = [sentence, ignoredBecause, allowedBecause, blockedBecause, ...opinions, ...troubles]
  const head = notes.flatMap((note) => (note === undefined ? [] : [`${visibleText(note)}\n`])).join('')
  if (found.listings.length === 0) return head
  const day = (at: number): string => new Date(at).toISOString().slice(0, 10)
  const table = tableText(
    [
      { title: 'LIST', cell: ({ list }) => list },
      { title: 'ENTRY', cell: ({ matched }) => matched },
      { title: 'SINCE', cell: ({ since }) => day(since) },
      { title: 'UNTIL', cell: ({ until }) => (until === undefined ? '' : day(until)) },
      { title: 'SURE', isRight: true, cell: ({ confidence }) => `${confidence} %` },
      { title: 'ACTION', cell: ({ action }) => action },
      { title: 'WHY', canShrink: true, cell: ({ reason, category }) => reason ?? category },
    ],
    found.listings,
    terminal,
  )
  return head + table
}
