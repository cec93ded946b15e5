import type { EgressEntry } from '#contract/intel.ts'
import type { Page } from '#contract/schemas.ts'
import { defineCommand } from '../command.ts'
import { asking, type CommonOptions, leaf } from '../leaf.ts'
import { tableText } from '../table.ts'
import { durationText } from '../words.ts'

export default defineCommand({
  order: 102,
  add(program, shell) {
    const egress = program
      .command('egress')
      .description('what Gatehouse sent to others: when, to whom, what and why')
    leaf(egress, 'egress --limit 20')
      .option('--limit <count>', 'how many', '50')
      .action(async (options: CommonOptions & { limit: string }) => {
        const { core, show } = asking(shell, options)
        const page = await core.ask<Page<EgressEntry>>(
          'GET',
          `/egress?limit=${encodeURIComponent(options.limit)}`,
        )
        const now = shell.now()
        show(page, ({ items }) =>
          items.length === 0
            ? 'Nothing left this machine.\n'
            : tableText(
                [
                  { title: 'WHEN', isRight: true, cell: ({ at }) => `${durationText(now - at)} ago` },
                  { title: 'TO', cell: ({ to }) => to },
                  { title: 'WHY', cell: ({ why }) => why },
                  { title: 'WHAT', canShrink: true, cell: ({ what }) => what },
                ],
                items,
                shell.terminal,
              ),
        )
      })
  },
})
