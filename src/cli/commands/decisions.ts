import type { Decision, Page } from '#contract/schemas.ts'
import { defineCommand } from '../command.ts'
import { asking, type CommonOptions, leaf } from '../leaf.ts'
import { tableText } from '../table.ts'
import { durationText } from '../words.ts'

export default defineCommand({
  order: 80,
  add(program, shell) {
    const decisions = program.command('decisions').description('what was decided, by whom and why')
    leaf(decisions, 'decisions --limit 20')
      .option('--limit <count>', 'how many', '50')
      .action(async (options: CommonOptions & { limit: string }) => {
        const { core, show } = asking(shell, options)
        const page = await core.ask<Page<Decision>>(
          'GET',
          `/decisions?limit=${encodeURIComponent(options.limit)}`,
        )
        const now = shell.now()
        show(page, ({ items }) =>
          items.length === 0
            ? 'Nothing was decided yet.\n'
            : tableText(
                [
                  { title: 'ID', isRight: true, cell: ({ id }) => String(id) },
                  { title: 'WHEN', isRight: true, cell: ({ at }) => `${durationText(now - at)} ago` },
                  { title: 'WHAT', cell: ({ kind }) => kind },
                  { title: 'TARGET', cell: ({ target }) => target },
                  { title: 'BY', cell: ({ actor }) => actor },
                  { title: 'WHY', canShrink: true, cell: ({ reason }) => reason },
                ],
                items,
                shell.terminal,
              ),
        )
      })
  },
})
