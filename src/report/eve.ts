import { visibleJson, visibleText } from '#lib/visible-text.ts'
import type { Evidence, Finding, SamplePacket, Severity } from '#model/finding.ts'
import type { FlowRecord, FlowState } from '#model/flow.ts'
import { PROTOCOL, protocolName, TCP } from '#model/packet.ts'

/**
 * EVE JSON: one event per line under the names that Suricata gives them
 * (docs.suricata.io/en/latest/output/eve/eve-json-format.html), so that what reads its logs reads ours.
 * What it has no name for is under `gatehouse`. Nothing here reads a clock: the same input gives the same bytes.
 */

/** What the packet side did over a capture or an interval. */
export interface EveStats {
  /** Milliseconds since the epoch of the last packet, and of the first. */
  readonly at: number
  readonly since: number
  readonly packets: number
  readonly bytes: number
  readonly undecodable: Readonly<Record<string, number>>
  readonly undecodableTotal: number
  readonly flows: number
  readonly alerts: number
  readonly refusedFlows: number
  readonly refusedHosts: number
}

/** `id` of 1 to 2^53: Suricata's own are of the same kind. `name` is what the flow itself says whom it is to. */
export function flowEvent(flow: FlowRecord, name?: string): string {
  const isTcp = flow.protocol === PROTOCOL.tcp
  return visibleJson({
    timestamp: timestamp(flow.seenAt),
    flow_id: flow.id,
    ...(flow.interfaceName !== '' && { in_iface: visibleText(flow.interfaceName) }),
    event_type: 'flow',
    ...(flow.vlan !== 0 && { vlan: [flow.vlan] }),
    src_ip: flow.source,
    ...portsOf(flow),
    proto: eveProtocol(flow.protocol),
    community_id: flow.communityId,
    flow: {
      pkts_toserver: flow.packetsForward,
      pkts_toclient: flow.packetsBackward,
      bytes_toserver: flow.bytesForward,
      bytes_toclient: flow.bytesBackward,
      start: timestamp(flow.openedAt),
      end: timestamp(flow.seenAt),
      age: Math.floor((flow.seenAt - flow.openedAt) / 1000),
      state: FLOW_STATE[flow.state],
      reason: reasonOf(flow),
    },
    ...(isTcp && { tcp: tcpOf(flow) }),
    gatehouse: {
      state: flow.state,
      ...(name !== undefined && { name: visibleText(name) }),
      ...(flow.ended && { ended: flow.ended }),
      ...(flow.handshakeMs !== undefined && { handshake_ms: Math.round(flow.handshakeMs * 1000) / 1000 }),
      ...(isTcp && {
        retransmits_toserver: flow.retransmitsForward,
        retransmits_toclient: flow.retransmitsBackward,
      }),
    },
  })
}

const evidenceOf = (evidence: Evidence): Record<string, unknown> => ({
  first: timestamp(evidence.firstAt),
  last: timestamp(evidence.lastAt),
  count: evidence.count,
  rate_per_second: evidence.ratePerSecond,
  ...(evidence.ports && { ports: evidence.ports }),
  ...(evidence.hosts && { hosts: evidence.hosts }),
  ...(evidence.peakPerSecond !== undefined && { peak_per_second: evidence.peakPerSecond }),
  ...(evidence.packets !== undefined && { packets: evidence.packets, bytes: evidence.bytes }),
  ...(evidence.sources !== undefined && { sources: evidence.sources }),
  ...(evidence.endedAt !== undefined && { ended: timestamp(evidence.endedAt) }),
  samples: evidence.samples.map(sampleOf),
})

/** `action`: whether the subject was turned away because of it. The ports are those of the first sample packet. */
export function alertEvent(finding: Finding, action: 'allowed' | 'blocked'): string {
  const { evidence } = finding
  const [sample] = evidence.samples
  const target = finding.victim ?? sample?.target
  return visibleJson({
    timestamp: timestamp(finding.at),
    event_type: 'alert',
    src_ip: finding.subject,
    ...(sample && { src_port: sample.sourcePort }),
    ...(target !== undefined && { dest_ip: target }),
    ...(sample && { dest_port: sample.targetPort, proto: eveProtocol(sample.protocol) }),
    alert: {
      action,
      gid: 1,
      signature_id: signatureId(finding),
      rev: 1,
      signature: `GATEHOUSE ${finding.detector} ${finding.kind}`,
      category: CATEGORIES[finding.technique] ?? 'Potentially Bad Traffic',
      severity: EVE_SEVERITY[finding.severity],
    },
    gatehouse: {
      detector: finding.detector,
      kind: finding.kind,
      severity: finding.severity,
      confidence: finding.confidence,
      summary: visibleText(finding.summary),
      technique: finding.technique,
      because: finding.because,
      spoofable: finding.spoofable,
      ...(finding.blame && { blame: finding.blame }),
      key: finding.key,
      again: finding.again ?? false,
      evidence: evidenceOf(evidence),
    },
  })
}

export function statsEvent(stats: EveStats): string {
  return visibleJson({
    timestamp: timestamp(stats.at),
    event_type: 'stats',
    stats: {
      uptime: Math.floor((stats.at - stats.since) / 1000),
      decoder: { pkts: stats.packets, bytes: stats.bytes, invalid: stats.undecodableTotal },
      flow: { total: stats.flows },
      detect: { alert: stats.alerts },
    },
    gatehouse: {
      undecodable: stats.undecodable,
      refused_flows: stats.refusedFlows,
      refused_hosts: stats.refusedHosts,
    },
  })
}

/** UTC to the microsecond, as Suricata writes it: `2026-11-20T06:33:21.174079+0000`. */
export function timestamp(at: number): string {
  const micros = Math.round(at * 1000)
  const date = new Date(Math.floor(micros / 1000)).toISOString()
  return `${date.slice(0, -1)}${String(micros % 1000).padStart(3, '0')}+0000`
}

/** Suricata's names (src/util-proto-name: after /etc/protocols). */
export function eveProtocol(protocol: number): string {
  return protocol === PROTOCOL.icmpv6 ? 'IPv6-ICMP' : protocolName(protocol).toUpperCase()
}

/** Ports, or for ICMP type and code; the model holds the type of the answer in the code's place for an echo. */
function portsOf(flow: FlowRecord): Record<string, unknown> {
  const { sourcePort, target, targetPort, protocol } = flow
  if (protocol === PROTOCOL.icmp || protocol === PROTOCOL.icmpv6) {
    const hasAnswer = ICMP_PAIRED.includes(sourcePort)
    return { dest_ip: target, icmp_type: sourcePort, icmp_code: hasAnswer ? 0 : targetPort }
  }
  if (protocol !== PROTOCOL.tcp && protocol !== PROTOCOL.udp && protocol !== PROTOCOL.sctp) {
    return { dest_ip: target }
  }
  return { src_port: sourcePort, dest_ip: target, dest_port: targetPort }
}

/** Types that have an answer, and the answers: IPv4, then IPv6 (as Community ID pairs them). */
const ICMP_PAIRED = [
  0,
  8,
  9,
  10,
  13,
  14,
  15,
  16,
  17,
  18,
  ...[128, 129, 130, 131, 133, 134, 135, 136, 139, 140, 144, 145],
]

const FLOW_STATE: Readonly<Record<FlowState, 'new' | 'established' | 'closed'>> = {
  'syn-sent': 'new',
  'syn-received': 'new',
  open: 'new',
  established: 'established',
  answered: 'established',
  closing: 'closed',
  closed: 'closed',
  reset: 'closed',
}

function reasonOf(flow: FlowRecord): 'timeout' | 'forced' | 'shutdown' {
  if (flow.ended === 'shutdown') return 'shutdown'
  return flow.ended === 'evicted' ? 'forced' : 'timeout'
}

const TCP_STATE: Readonly<Record<FlowState, string>> = {
  'syn-sent': 'syn_sent',
  'syn-received': 'syn_recv',
  open: 'none',
  established: 'established',
  answered: 'established',
  closing: 'closing',
  closed: 'closed',
  reset: 'closed',
}

function tcpOf(flow: FlowRecord): Record<string, unknown> {
  const all = flow.tcpFlagsForward | flow.tcpFlagsBackward
  const seen = Object.entries(TCP).filter(([, bit]) => (all & bit) !== 0)
  return {
    tcp_flags: hex(all),
    tcp_flags_ts: hex(flow.tcpFlagsForward),
    tcp_flags_tc: hex(flow.tcpFlagsBackward),
    ...Object.fromEntries(seen.map(([name]) => [name, true])),
    state: TCP_STATE[flow.state],
  }
}

const hex = (flags: number): string => flags.toString(16).padStart(2, '0')

const sampleOf = (sample: SamplePacket): Record<string, unknown> => ({
  timestamp: timestamp(sample.at),
  src_ip: sample.source,
  src_port: sample.sourcePort,
  dest_ip: sample.target,
  dest_port: sample.targetPort,
  proto: eveProtocol(sample.protocol),
  tcp_flags: hex(sample.tcpFlags),
  length: sample.length,
})

/** Suricata counts from 1, the worst. */
const EVE_SEVERITY: Readonly<Record<Severity, number>> = { critical: 1, high: 1, medium: 2, low: 3, info: 4 }

/** Names of Suricata's classification.config, by ATT&CK technique. */
const CATEGORIES: Readonly<Record<string, string>> = {
  T1018: 'Detection of a Network Scan',
  T1046: 'Detection of a Network Scan',
  'T1071.004': 'Potential Corporate Privacy Violation',
  T1095: 'Potential Corporate Privacy Violation',
  T1110: 'Unsuccessful User Privilege Gain',
  'T1498.001': 'Attempted Denial of Service',
  'T1498.002': 'Attempted Denial of Service',
  'T1499.002': 'Attempted Denial of Service',
}

/**
 * One number for each kind of each detector, the same for ever and without a list to keep: FNV-1a of its name, folded
 * into 1,700,000 to 1,799,999, within what Suricata leaves to local rules (1,000,000 to 1,999,999).
 */
function signatureId({ detector, kind }: Finding): number {
  let hash = 0x811c9dc5
  for (const character of `${detector} ${kind}`) {
    hash = Math.imul(hash ^ character.charCodeAt(0), 0x01000193)
  }
  return 1_700_000 + ((hash >>> 0) % 100_000)
}
