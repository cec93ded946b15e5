import { visibleText } from '#lib/visible-text.ts'
import type { Finding } from '#model/finding.ts'
import type { EndReason, FlowRecord } from '#model/flow.ts'
import { PROTOCOL, protocolName } from '#model/packet.ts'
import type { EveStats } from './eve.ts'

/** Events for people, one aligned line each. What the wire wrote goes through `visibleText`. */

export function alertSentence(finding: Finding): string {
  const told = finding.again ? 'goes on' : 'ALERT'
  return `${clock(finding.at)}  ${told.padEnd(8)}${finding.severity.padEnd(9)}${visibleText(finding.summary)}`
}

export function flowSentence(flow: FlowRecord, name?: string): string {
  const packets = flow.packetsForward + flow.packetsBackward
  const bytes = flow.bytesForward + flow.bytesBackward
  const seconds = ((flow.seenAt - flow.openedAt) / 1000).toFixed(2)
  const ends = `${endpoint(flow.source, flow.sourcePort, flow)} → ${endpoint(flow.target, flow.targetPort, flow)}`
  const how = flow.ended === undefined ? 'open' : HOW_IT_ENDED[flow.ended]
  const amount = `${plural(packets, 'packet')}, ${plural(bytes, 'byte')} in ${seconds} s`
  return `${clock(flow.openedAt)}  flow    ${protocolName(flow.protocol).padEnd(9)}${ends.padEnd(44)}  ${how.padEnd(12)}  ${amount}${name === undefined ? '' : `, to ${visibleText(name)}`}`
}

export function statsSentence(stats: EveStats): string {
  const seconds = ((stats.at - stats.since) / 1000).toFixed(2)
  const bad = stats.undecodableTotal > 0 ? `, ${stats.undecodableTotal} not readable` : ''
  return [
    `${clock(stats.at)}  total   ${plural(stats.packets, 'packet')}${bad}, ${plural(stats.bytes, 'byte')}`,
    `${plural(stats.flows, 'flow')} and ${plural(stats.alerts, 'alert')} in ${seconds} s`,
  ].join(', ')
}

const HOW_IT_ENDED: Readonly<Record<EndReason, string>> = {
  finished: 'finished',
  reset: 'reset',
  refused: 'refused',
  timeout: 'went quiet',
  evicted: 'made room',
  shutdown: 'still open',
}

/** UTC: a capture reads the same everywhere. */
const clock = (at: number): string => new Date(Math.floor(at)).toISOString().replace('T', ' ').slice(0, -1)

function endpoint(address: string, port: number, { protocol }: FlowRecord): string {
  if (protocol !== PROTOCOL.tcp && protocol !== PROTOCOL.udp && protocol !== PROTOCOL.sctp) return address
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
}

const plural = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`
