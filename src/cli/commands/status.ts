import type { Status } from '#contract/schemas.ts'
import { visibleText } from '#lib/visible-text.ts'
import { defineCommand } from '../command.ts'
import { asking, type CommonOptions, leaf } from '../leaf.ts'
import { bytesText, durationText } from '../words.ts'

export default defineCommand({
  order: 20,
  add(program, shell) {
    leaf(
      program.command('status').description('how Gatehouse is doing, and what is wrong if something is'),
      'status',
    ).action(async (options: CommonOptions) => {
      const { core, show } = asking(shell, options)
      show(await core.ask<Status>('GET', '/status'), statusText)
    })
  },
})

export function statusText(status: Status): string {
  const { counts, rates } = status
  const full = fullTables(counts)
  const lines: [string, string][] = [
    ['State', status.state],
    ['Running for', `${durationText(status.now - status.startedAt)} (version ${status.version})`],
    ['Traffic', `${bytesText(rates.inbound)}/s in, ${bytesText(rates.outbound)}/s out`],
    ['Seen', `${counts.packets} packets, ${counts.flows} flows, ${counts.hosts} hosts`],
    ['Alerts, blocks', `${counts.alerts}, ${counts.blocks}`],
    ...status.interfaces.map(({ name, received, dropped }): [string, string] => [
      `Interface ${name}`,
      `${received} packets${dropped > 0 ? `, ${dropped} missed: the machine was too busy` : ''}`,
    ]),
    ...(full === '' ? [] : [['Tables full', full] as [string, string]]),
  ]
  const facts = lines.map(([name, text]) => `${visibleText(name).padEnd(16)}${visibleText(text)}`)
  const parts = status.parts.filter((part) => part.state !== 'ok').map(partText)
  return `${[visibleText(status.sentence), '', ...facts, ...parts].join('\n')}\n`
}

/** Empty while there was room. */
function fullTables({ refusedFlows, refusedHosts, evictedFlows }: Status['counts']): string {
  const refused = refusedFlows + refusedHosts
  return [
    ...(evictedFlows > 0 ? [`${evictedFlows} flows made room for new ones, the unanswered first`] : []),
    ...(refused > 0 ? [`${refused} times nothing new was taken; what was known is kept`] : []),
  ].join('; ')
}

const partText = (part: Status['parts'][number]): string =>
  `\n${visibleText(part.part)} is ${part.state}: ${visibleText(part.reason ?? '')}${part.remedy ? `\n  What to do: ${visibleText(part.remedy)}` : ''}`
