import type { Alert, Outcome, Page } from '#contract/schemas.ts'
import { visibleText } from '#lib/visible-text.ts'
import { defineCommand, type Terminal } from '../command.ts'
import { asking, type CommonOptions, leaf, outcomeText } from '../leaf.ts'
import { tableText } from '../table.ts'
import { durationText, readId } from '../words.ts'

export default defineCommand({
  order: 40,
  add(program, shell) {
    const alerts = program
      .command('alerts')
      .description('what the detectors noticed, and what was done about it')
    const list = alerts.command('list', { isDefault: true }).description('alerts, newest first')
    leaf(list, 'alerts --limit 5')
      .option('--limit <count>', 'how many', '50')
      .action(async (options: CommonOptions & { limit: string }) => {
        const { core, show } = asking(shell, options)
        const page = await core.ask<Page<Alert>>('GET', `/alerts?limit=${encodeURIComponent(options.limit)}`)
        show(page, ({ items, total }) =>
          alertsText(items, total, { now: shell.now(), terminal: shell.terminal }),
        )
      })
    const accept = alerts
      .command('accept')
      .description('make the block that an alert suggests')
      .argument('<id>', 'its id')
    leaf(accept, 'alerts accept 12').action(async (id: string, options: CommonOptions) => {
      const { core, show } = asking(shell, options)
      const path = `/alerts/${readId(id, 'gatehouse alerts')}/accept`
      show(await core.ask<Outcome>('POST', path), outcomeText)
    })
    const archive = alerts.command('archive').description('put an alert away').argument('<id>', 'its id')
    leaf(archive, 'alerts archive 12')
      .option('--back', 'take it back into the list')
      .action(async (id: string, options: CommonOptions & { back?: boolean }) => {
        const { core, show } = asking(shell, options)
        const path = `/alerts/${readId(id, 'gatehouse alerts')}/archive?archived=${options.back !== true}`
        show(await core.ask<Alert>('POST', path), (alert) =>
          alert.archived ? `Alert ${alert.id} is put away.\n` : `Alert ${alert.id} is back in the list.\n`,
        )
      })
  },
})

function alertsText(
  alerts: readonly Alert[],
  total: number,
  { now, terminal }: { readonly now: number; readonly terminal: Terminal },
): string {
  if (alerts.length === 0) return 'No alerts. Nothing needs you.\n'
  const table = tableText(
    [
      { title: 'ID', isRight: true, cell: ({ id }) => String(id) },
      { title: 'SEVERITY', cell: ({ severity }) => severity },
      { title: 'LAST', isRight: true, cell: ({ lastSeenAt }) => `${durationText(now - lastSeenAt)} ago` },
      { title: 'TIMES', isRight: true, cell: ({ times }) => String(times) },
      { title: 'WHAT', canShrink: true, cell: ({ summary }) => summary },
      {
        title: 'DONE',
        canShrink: true,
        cell: ({ response, archived }) => (archived ? `${response} (put away)` : response),
      },
    ],
    alerts,
    terminal,
  )
  return total > alerts.length
    ? `${table}${visibleText(`${alerts.length} of ${total}; more with --limit`)}\n`
    : table
}
