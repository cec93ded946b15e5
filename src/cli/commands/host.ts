import type { PointerName } from '#contract/pointer.ts'
import type { HostView } from '#contract/views.ts'
import { defineCommand, type Shell } from '../command.ts'
import { liveText, pastText } from '../connection-table.ts'
import { factsText } from '../facts.ts'
import { asking, type CommonOptions, leaf } from '../leaf.ts'
import { reputationText } from '../reputation.ts'
import { bytesText, durationText, readTarget } from '../words.ts'

export default defineCommand({
  order: 34,
  add(program, shell) {
    const command = program
      .command('host')
      .description('everything about one host')
      .argument('<address>', 'its address')
    leaf(command, 'host 203.0.113.9 --ptr')
      .option('--ptr', 'ask reverse DNS for its name too: this leaves the machine (see gatehouse egress)')
      .action(async (address: string, options: CommonOptions & { readonly ptr?: boolean }) => {
        const { core, show } = asking(shell, options)
        const path = `/hosts/${encodeURIComponent(readTarget(address))}`
        const pointer = options.ptr ? await core.ask<PointerName>('POST', `${path}/ptr`) : undefined
        const view = await core.ask<HostView>('GET', path)
        show({ ...view, ...(pointer && { pointer }) }, ({ pointer: asked }) => hostText(view, asked, shell))
      })
  },
})

function hostText(view: HostView, pointer: PointerName | undefined, shell: Shell): string {
  const now = shell.now()
  const network = [view.asn === undefined ? '' : `AS${view.asn}`, view.asName ?? ''].join(' ').trim()
  const text = factsText([
    ['Host', view.address],
    ['Name', nameText(view)],
    ['Reverse DNS', pointer ? (pointer.name ?? pointer.because ?? '') : ''],
    ['Where', [view.country ?? '', network].filter((part) => part !== '').join(', ')],
    ['First seen', ago(view.firstSeenAt, now)],
    ['Last seen', ago(view.lastSeenAt, now)],
    ['Carried', `${view.flows} connections, ${bytesText(view.bytesIn)} in, ${bytesText(view.bytesOut)} out`],
    ['Programs', view.programs.join(', ')],
    ['Listed', (view.listings ?? []).map(({ title, reason }) => listedText(title, reason)).join('; ')],
    [
      'Blocked',
      view.block ? `by ${view.block.actor}: ${view.block.reason}` : blockedText(view.blockedBecause),
    ],
    ['Allowed', view.allowedBecause ?? ''],
    ['Alerts', view.alerts.map(({ summary }) => summary).join('; ')],
  ])
  const live = view.live.length === 0 ? '' : `\nOpen now\n${liveText(view.live, now, shell.terminal)}`
  const recent = view.recent.length === 0 ? '' : `\nLast\n${pastText(view.recent, now, shell.terminal)}`
  const reputation = view.reputation ? `\n${reputationText(view.reputation)}` : ''
  return text + reputation + live + recent
}

const NAME_SOURCES: Readonly<Record<NonNullable<HostView['nameSource']>, string>> = {
  dns: 'DNS',
  tls: 'TLS',
  http: 'HTTP',
  mdns: 'multicast DNS',
  ptr: 'reverse DNS',
}

const nameText = ({ name = '', nameSource }: HostView): string =>
  nameSource === undefined ? name : `${name} (${NAME_SOURCES[nameSource]})`

const listedText = (title: string, reason: string | undefined): string =>
  reason === undefined ? title : `${title} (${reason})`

/** The label says it already. */
const blockedText = (because = ''): string => because.replace(/^It is blocked: /, '')

const ago = (at: number | undefined, now: number): string =>
  at === undefined ? '' : `${durationText(now - at)} ago`
