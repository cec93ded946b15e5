import { visibleJson, visibleText } from '#lib/visible-text.ts'
import { TCP } from '#model/packet.ts'
import type { RuledPacket } from '#model/ruled-packet.ts'
import { eveProtocol, timestamp } from './eve.ts'
import { reasonOf } from './firewall-line.ts'

/**
 * A packet that a rule or a block turned away, as Suricata's `drop` event
 * (docs.suricata.io/en/latest/output/eve/eve-json-format.html). What is only on trial has the verdict `alert`.
 */
export function dropEvent(packet: RuledPacket): string {
  const { outcome, tcp, icmp, sourcePort, targetPort } = packet
  const link = packet.fromInterface ?? packet.toInterface
  return visibleJson({
    timestamp: timestamp(packet.at),
    event_type: 'drop',
    ...(link !== undefined && { in_iface: visibleText(link) }),
    src_ip: packet.source,
    ...(sourcePort !== undefined && { src_port: sourcePort }),
    dest_ip: packet.target,
    ...(targetPort !== undefined && { dest_port: targetPort }),
    proto: eveProtocol(packet.protocol),
    ...(icmp && { icmp_type: icmp.type, icmp_code: icmp.code }),
    drop: {
      len: packet.length,
      tos: packet.tos,
      ttl: packet.ttl,
      ...(tcp && tcpFields(tcp)),
      reason: dropReasonOf(packet),
    },
    verdict: VERDICT[outcome](tcp !== undefined),
    gatehouse: {
      id: packet.id,
      direction: packet.direction,
      ...becauseOf(packet),
      outcome,
      beyond_limit: packet.isBeyondLimit,
      reason: visibleText(reasonOf(packet)),
      ...(packet.uid !== undefined && { uid: packet.uid }),
      ...(packet.user !== undefined && { user: visibleText(packet.user) }),
      ...(packet.pid !== undefined && { pid: packet.pid }),
      ...(packet.program !== undefined && { program: visibleText(packet.program) }),
    },
  })
}

function becauseOf(packet: RuledPacket): Record<string, unknown> {
  if ('rule' in packet) return { rule: packet.rule.number, rule_id: packet.rule.id }
  const { id, target, actor } = packet.block
  return { block: { ...(id !== undefined && { id }), target, actor: visibleText(actor) } }
}

/** As Suricata names them (PacketDropReasonToString of its decode.c). */
function dropReasonOf(packet: RuledPacket): string {
  if (packet.outcome === 'limit') return 'threshold detection_filter'
  return 'rule' in packet && packet.rule.number === 0 ? 'default packet policy' : 'rules'
}

const VERDICT = {
  block: () => ({ action: 'drop' }),
  limit: () => ({ action: 'drop' }),
  deny: () => ({ action: 'drop' }),
  reject: (isTcp: boolean) => ({ action: 'drop', reject: [isTcp ? 'tcp-reset' : 'icmp-prohib'] }),
  audit: () => ({ action: 'alert' }),
} as const

function tcpFields(tcp: NonNullable<RuledPacket['tcp']>): Record<string, unknown> {
  return {
    tcpseq: tcp.sequence,
    tcpack: tcp.acknowledgement,
    tcpwin: tcp.window,
    ...Object.fromEntries(Object.entries(TCP).map(([name, bit]) => [name, (tcp.flags & bit) !== 0])),
  }
}
