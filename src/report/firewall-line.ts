import { visibleJson } from '#lib/visible-text.ts'
import { protocolName, TCP } from '#model/packet.ts'
import type { RuledPacket } from '#model/ruled-packet.ts'

const WORDS = { deny: 'DENY', reject: 'REJECT', audit: 'AUDIT', block: 'BLOCK', limit: 'LIMIT' } as const

type Value = readonly [key: string, value: string | number | undefined]

/**
 * One line of firewall.log, in the order in which a person reads it and in `key=value` for tools:
 * `2026-11-20T10:00:00.000Z DENY inbound rule=3 id=no-telnet proto=tcp src=192.0.2.1 sport=40000 dst=…`, or
 * `… BLOCK inbound block=12 target=192.0.2.1 by=port-scan proto=tcp src=…`.
 * Whatever is not plain is in quotes with its escapes: nothing from the wire is raw.
 */
export function firewallLine(packet: RuledPacket): string {
  const { at, outcome, direction, protocol } = packet
  const values: readonly Value[] = [
    ...becauseOf(packet),
    ['proto', protocolName(protocol)],
    ['src', packet.source],
    ['sport', packet.sourcePort],
    ['dst', packet.target],
    ['dport', packet.targetPort],
    ['flags', packet.tcp && flagsText(packet.tcp.flags)],
    ['icmp', packet.icmp && `${packet.icmp.type}/${packet.icmp.code}`],
    ['len', packet.length],
    ['in', packet.fromInterface],
    ['out', packet.toInterface],
    ['uid', packet.uid],
    ['user', packet.user],
    ['pid', packet.pid],
    ['program', packet.program],
    ['reason', reasonOf(packet)],
  ]
  const said = values.flatMap(([key, value]) =>
    value === undefined ? [] : [`${key}=${typeof value === 'number' ? value : plain(value)}`],
  )
  return `${new Date(at).toISOString()} ${WORDS[outcome]} ${direction} ${said.join(' ')}`
}

/** That packets were beyond the bound of what is written. */
export const unwrittenLine = (
  packets: number,
  { at, perSecond }: { readonly at: number; readonly perSecond: number },
): string =>
  `${new Date(at).toISOString()} MORE packets=${packets} reason="beyond ${perSecond} a second: only counted"`

const becauseOf = (packet: RuledPacket): readonly Value[] =>
  'rule' in packet
    ? [
        ['rule', packet.rule.number],
        ['id', packet.rule.id],
      ]
    : [
        ['block', packet.block.id],
        ['target', packet.block.target],
        ['by', packet.block.actor],
      ]

/** In words: what the rule's author wrote, why somebody asked for the block, or what made it so. */
export function reasonOf(packet: RuledPacket): string {
  if ('block' in packet) return packet.block.reason
  const { rule, isBeyondLimit, outcome, direction } = packet
  if (rule.number === 0) return `no rule decided: ${direction} is ${outcome} by default`
  const said = rule.comment ?? `rule ${rule.number}`
  return isBeyondLimit ? `beyond the limit of: ${said}` : said
}

const flagsText = (flags: number): string =>
  Object.entries(TCP)
    .filter(([, bit]) => (flags & bit) !== 0)
    .map(([name]) => name)
    .join(',')

const plain = (text: string): string => (/^[\w./:,@%+-]+$/.test(text) ? text : visibleJson(text))
