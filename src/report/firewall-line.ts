import { visibleJson } from '#lib/visible-text.ts'
import { protocolName, TCP } from '#model/packet.ts'
import type { RuledPacket } from '#model/ruled-packet.ts'

const WORDS = { deny: 'DENY', reject: 'REJECT', audit: 'AUDIT' } as const

/**
 * One line of firewall.log, in the order in which a person reads it and in `key=value` for tools:
 * `2026-11-20T10:00:00.000Z DENY inbound rule=3 id=no-telnet proto=tcp src=192.0.2.1 sport=40000 dst=…`.
 * Whatever is not plain is in quotes with its escapes: nothing from the wire is raw.
 */
export function firewallLine(packet: RuledPacket): string {
  const { at, outcome, direction, rule, protocol } = packet
  const values: readonly (readonly [key: string, value: string | number | undefined])[] = [
    ['rule', rule.number],
    ['id', rule.id],
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

/** In words: what the rule's author wrote, or what made it so. */
export function reasonOf({ rule, isBeyondLimit, outcome, direction }: RuledPacket): string {
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
