import { describe, expect, test } from 'vitest'
import { ip } from '#model/address.ts'
import type { Finding } from '#model/finding.ts'
import type { FlowRecord } from '#model/flow.ts'
import { alertEvent, flowEvent, statsEvent, timestamp } from './eve.ts'
import { alertSentence, flowSentence, statsSentence } from './sentences.ts'

const AT = Date.UTC(2026, 10, 20, 6, 33, 21, 174) + 0.079

const flow = (about: Partial<FlowRecord> = {}): FlowRecord => ({
  id: 7,
  communityId: '1:abc=',
  protocol: 6,
  interfaceName: 'eth0',
  vlan: 0,
  source: ip('192.0.2.1'),
  sourcePort: 40_000,
  target: ip('198.51.100.2'),
  targetPort: 443,
  state: 'closed',
  openedAt: AT,
  seenAt: AT + 2500,
  ended: 'finished',
  packetsForward: 6,
  packetsBackward: 5,
  bytesForward: 552,
  bytesBackward: 924,
  handshakeMs: 0.03849,
  retransmitsForward: 1,
  retransmitsBackward: 0,
  tcpFlagsForward: 0x1b,
  tcpFlagsBackward: 0x13,
  ...about,
})

const finding = (about: Partial<Finding> = {}): Finding => ({
  detector: 'port-scan',
  kind: 'syn',
  severity: 'high',
  confidence: 0.95,
  at: AT,
  subject: ip('203.0.113.9'),
  victim: ip('192.0.2.1'),
  summary: '203.0.113.9 tried 6 ports of 192.0.2.1 in 1 ms (syn scan)',
  key: 'port-scan 203.0.113.9 192.0.2.1',
  technique: 'T1046',
  because: 'detectors.port-scan.refusedPorts = 6',
  spoofable: true,
  evidence: {
    firstAt: AT,
    lastAt: AT,
    count: 6,
    ratePerSecond: 6000,
    ports: [1, 2],
    samples: [
      {
        ...{ at: AT, source: ip('203.0.113.9'), sourcePort: 5555, target: ip('192.0.2.1'), targetPort: 1 },
        ...{ protocol: 6, tcpFlags: 2, length: 58 },
      },
    ],
  },
  ...about,
})

test('times are UTC to the microsecond', () => {
  expect(timestamp(AT)).toBe('2026-11-20T06:33:21.174079+0000')
  expect(timestamp(AT - 0.079 - 0.001)).toBe('2026-11-20T06:33:21.173999+0000')
  expect(timestamp(0)).toBe('1970-01-01T00:00:00.000000+0000')
})

describe('a flow event', () => {
  test("has Suricata's names", () => {
    expect(JSON.parse(flowEvent(flow()))).toEqual({
      timestamp: '2026-11-20T06:33:23.674079+0000',
      flow_id: 7,
      in_iface: 'eth0',
      event_type: 'flow',
      src_ip: '192.0.2.1',
      src_port: 40_000,
      dest_ip: '198.51.100.2',
      dest_port: 443,
      proto: 'TCP',
      community_id: '1:abc=',
      flow: {
        pkts_toserver: 6,
        pkts_toclient: 5,
        bytes_toserver: 552,
        bytes_toclient: 924,
        start: '2026-11-20T06:33:21.174079+0000',
        end: '2026-11-20T06:33:23.674079+0000',
        age: 2,
        state: 'closed',
        reason: 'timeout',
      },
      tcp: {
        tcp_flags: '1b',
        tcp_flags_ts: '1b',
        tcp_flags_tc: '13',
        ...{ fin: true, syn: true, psh: true, ack: true },
        state: 'closed',
      },
      gatehouse: {
        state: 'closed',
        ended: 'finished',
        handshake_ms: 0.038,
        retransmits_toserver: 1,
        retransmits_toclient: 0,
      },
    })
  })

  test('has type and code in the place of ports for ICMP', () => {
    const echo = JSON.parse(flowEvent(flow({ protocol: 1, sourcePort: 8, targetPort: 0 })))
    expect(echo).toMatchObject({ proto: 'ICMP', icmp_type: 8, icmp_code: 0 })
    expect(echo).not.toHaveProperty('src_port')
    const gone = JSON.parse(flowEvent(flow({ protocol: 58, sourcePort: 1, targetPort: 4 })))
    expect(gone).toMatchObject({ proto: 'IPv6-ICMP', icmp_type: 1, icmp_code: 4 })
  })

  test.each([
    ['evicted', 'forced'],
    ['shutdown', 'shutdown'],
    ['refused', 'timeout'],
  ] as const)('that was %s has the reason %s', (ended, reason) => {
    expect(JSON.parse(flowEvent(flow({ ended }))).flow.reason).toBe(reason)
  })

  test('hides nothing that a terminal would act on', () => {
    const line = flowEvent(flow({ interfaceName: '\u001b[2J\u202eeth0\n' }))
    expect(line).not.toMatch(/[\p{Cc}\p{Cf}]/u)
    expect(JSON.parse(line).in_iface).toBe('\\u{1b}[2J\\u{202e}eth0\\u{a}')
  })
})

test("an alert event has Suricata's names, and ours under gatehouse", () => {
  const event = JSON.parse(alertEvent(finding(), 'blocked'))
  expect(event).toMatchObject({
    event_type: 'alert',
    src_ip: '203.0.113.9',
    src_port: 5555,
    dest_ip: '192.0.2.1',
    dest_port: 1,
    proto: 'TCP',
    alert: {
      action: 'blocked',
      gid: 1,
      rev: 1,
      signature: 'GATEHOUSE port-scan syn',
      category: 'Detection of a Network Scan',
      severity: 1,
    },
    gatehouse: {
      detector: 'port-scan',
      technique: 'T1046',
      again: false,
      evidence: { count: 6, ports: [1, 2] },
    },
  })
  expect(event.alert.signature_id).toBeGreaterThanOrEqual(1_700_000)
})

test('each kind of each detector has a number of its own that never changes', () => {
  const numberOf = (about: Partial<Finding>): number =>
    JSON.parse(alertEvent(finding(about), 'allowed')).alert.signature_id
  expect(numberOf({})).toBe(1_729_358)
  const others = ['connect', 'fin', 'null', 'xmas', 'ack', 'maimon', 'udp'].map((kind) => numberOf({ kind }))
  expect(new Set([...others, numberOf({}), numberOf({ detector: 'host-sweep' })]).size).toBe(9)
})

const stats = {
  ...{ at: AT + 1500, since: AT, packets: 10, bytes: 900, undecodable: { cutOff: 2 }, undecodableTotal: 2 },
  ...{ flows: 3, alerts: 1, refusedFlows: 0, refusedHosts: 0 },
}

test('a stats event counts packets, flows and alerts', () => {
  expect(JSON.parse(statsEvent(stats))).toMatchObject({
    event_type: 'stats',
    stats: {
      uptime: 1,
      decoder: { pkts: 10, bytes: 900, invalid: 2 },
      flow: { total: 3 },
      detect: { alert: 1 },
    },
    gatehouse: { undecodable: { cutOff: 2 } },
  })
})

test('people get sentences', () => {
  expect(alertSentence(finding())).toBe(
    '2026-11-20 06:33:21.174  ALERT   high     203.0.113.9 tried 6 ports of 192.0.2.1 in 1 ms (syn scan)',
  )
  expect(alertSentence(finding({ again: true }))).toContain('goes on high')
  expect(flowSentence(flow({ source: ip('2001:db8::1'), target: ip('2001:db8::2') }))).toMatch(
    /flow {4}tcp {6}\[2001:db8::1\]:40000 → \[2001:db8::2\]:443 .*finished .*11 packets, 1476 bytes in 2\.50 s$/,
  )
  expect(flowSentence(flow({ protocol: 1, sourcePort: 8 }))).toContain('icmp     192.0.2.1 → 198.51.100.2 ')
  expect(statsSentence(stats)).toBe(
    '2026-11-20 06:33:22.674  total   10 packets, 2 not readable, 900 bytes, 3 flows and 1 alert in 1.50 s',
  )
})
