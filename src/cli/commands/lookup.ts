import type { Lookup } from '#contract/intel.ts'
import { visibleText } from '#lib/visible-text.ts'
import { defineCommand, type Terminal } from '../command.ts'
import { asking, type CommonOptions, leaf } from '../leaf.ts'
import { tableText } from '../table.ts'

export default defineCommand({
  order: 101,
  add(program, shell) {
    const lookup = program
      .command('lookup')
      .description('which threat lists hold an address, domain, URL or hash; asks nobody outside')
      .argument('<value>', 'address, domain, URL, hash of a file, JA3 or JA4')
    leaf(lookup, 'lookup 203.0.113.9').action(async (value: string, options: CommonOptions) => {
      const { core, show } = asking(shell, options)
      const found = await core.ask<Lookup>('GET', `/lookup?value=${encodeURIComponent(value)}`)
      show(found, (known) => lookupText(known, shell.terminal))
    })
  },
})

function lookupText(found: Lookup, terminal: Terminal): string {
  const notes = [found.sentence, found.ignoredBecause, found.allowedBecause, found.blockedBecause]
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
