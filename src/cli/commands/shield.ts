import type { Outcome } from '#contract/schemas.ts'
import type { RecordingFile, ShieldStatus } from '#contract/shield.ts'
import { visibleText } from '#lib/visible-text.ts'
import { parseIp } from '#model/address.ts'
import { parseEndpoint } from '#model/endpoint.ts'
import { defineCommand, type Terminal } from '../command.ts'
import { Failure } from '../failure.ts'
import { asking, type CommonOptions, leaf, outcomeText } from '../leaf.ts'
import { tableText } from '../table.ts'
import { bytesText, durationText, endpointText } from '../words.ts'

export default defineCommand({
  order: 97,
  add(program, shell) {
    const shield = program
      .command('shield')
      .description('ports behind a SYN proxy, challenged addresses, UDP ports at a slow pace, closed ports')
    const list = shield
      .command('list', { isDefault: true })
      .description('all of them, why, and how long it lasts')
    leaf(list, 'shield').action(async (options: CommonOptions) => {
      const { core, show } = asking(shell, options)
      const now = shell.now()
      show(await core.ask<ShieldStatus>('GET', '/shield'), (status) => listText(status, now, shell.terminal))
    })
    const end = shield
      .command('end')
      .description('take it away; it stays away for as long as it would have lasted')
      .argument(
        '<what>',
        'a port behind a SYN proxy, a challenged address, or a UDP port such as 192.0.2.7:53',
      )
    leaf(end, 'shield end 443').action(async (what: string, options: CommonOptions) => {
      const path = pathOf(what)
      const { core, show } = asking(shell, options)
      show(await core.ask<Outcome>('DELETE', path), outcomeText)
    })
    const open = shield
      .command('open')
      .description('open a port that a playbook closed')
      .argument('<port>', 'its number')
    leaf(open, 'shield open 8080').action(async (port: string, options: CommonOptions) => {
      if (!isPort(port))
        throw new Failure(`${visibleText(port)} is no port.`, 'Use a number, such as 8080.', 2)
      const { core, show } = asking(shell, options)
      show(await core.ask<Outcome>('DELETE', `/shield/closed/${port}`), outcomeText)
    })
    const captures = shield
      .command('captures')
      .description('files of packets that playbooks kept, newest first')
    leaf(captures, 'shield captures').action(async (options: CommonOptions) => {
      const { core, show } = asking(shell, options)
      show(await core.ask<RecordingFile[]>('GET', '/recordings'), (files) => filesText(files, shell.terminal))
    })
  },
})

const isPort = (text: string): boolean =>
  /^\d{1,5}$/.test(text) && Number(text) >= 1 && Number(text) <= 65_535

function pathOf(what: string): string {
  if (isPort(what)) return `/shield/guarded/${what}`
  if (parseEndpoint(what)) return `/shield/paced/${encodeURIComponent(what)}`
  const address = parseIp(what)
  if (address !== undefined) return `/shield/challenged/${encodeURIComponent(address)}`
  throw new Failure(
    `${visibleText(what)} is no port and no address.`,
    'Use what gatehouse shield lists, such as 443, 203.0.113.9 or 192.0.2.7:53.',
    2,
  )
}

function listText(
  { guarded, challenged, paced, closed }: ShieldStatus,
  now: number,
  terminal: Terminal,
): string {
  const rows = [
    ...guarded.map((one) => ({ ...one, what: `port ${one.port}`, how: 'behind a SYN proxy' })),
    ...challenged.map((one) => ({ ...one, what: one.address, how: 'challenged' })),
    ...paced.map((one) => ({
      ...one,
      what: endpointText(one.address, one.port),
      how: `UDP, ${one.perSecond} new packets a second`,
    })),
    ...closed.map((one) => ({ ...one, what: `port ${one.port}`, how: 'closed' })),
  ]
  if (rows.length === 0) return 'Nothing is guarded, challenged, held back or closed.\n'
  return tableText(
    [
      { title: 'WHAT', cell: ({ what }) => what },
      { title: 'HOW', cell: ({ how }) => how },
      { title: 'LEFT', cell: ({ until }) => durationText(Math.max(0, until - now)) },
      { title: 'ALERT', cell: ({ alertId }) => (alertId === undefined ? '' : `${alertId}`) },
      { title: 'BECAUSE', canShrink: true, cell: ({ reason }) => reason },
    ],
    rows,
    terminal,
  )
}

function filesText(files: readonly RecordingFile[], terminal: Terminal): string {
  if (files.length === 0) return 'No packets were kept.\n'
  return tableText(
    [
      { title: 'SIZE', cell: ({ bytes }) => bytesText(bytes) },
      { title: 'FILE', cell: ({ path }) => path },
    ],
    files,
    terminal,
  )
}
