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
  const refused = counts.refusedFlows + counts.refusedHosts
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
    ...(refused > 0 ? [['Tables full', `${refused} times; what was known is kept`] as [string, string]] : []),
  ]
  const facts = lines.map(([name, text]) => `${visibleText(name).padEnd(16)}${visibleText(text)}`)
  const parts = status.parts.filter((part) => part.state !== 'ok').map(partText)
  return `${[visibleText(status.sentence), '', ...facts, ...parts].join('\n')}\n`
}

const partText = (part: Status['parts'][number]): string =>
  `\n${visibleText(part.part)} is ${part.state}: ${visibleText(part.reason ?? '')}${part.remedy ? `\n  What to do: ${visibleText(part.remedy)}` : ''}`
