import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Cidr, ip } from '#model/address.ts'
import type { ByBlock, ByRule, RuledPacket } from '#model/ruled-packet.ts'
import { dropEvent } from './eve-drop.ts'
import { firewallLine } from './firewall-line.ts'

const PACKET = {
  id: 7,
  at: Date.UTC(2026, 10, 20, 10),
  direction: 'inbound',
  source: ip('192.0.2.1'),
  target: ip('198.51.100.7'),
  protocol: 6,
  length: 60,
  ttl: 64,
  tos: 0,
  sourcePort: 40_000,
  targetPort: 23,
  tcp: { flags: 2, sequence: 9, acknowledgement: 0, window: 64_240 },
  fromInterface: 'eth0',
} as const

const DENIED: ByRule = {
  outcome: 'deny',
  rule: { number: 3, id: 'no-telnet', comment: 'no telnet here' },
  isBeyondLimit: false,
}
const SYN: RuledPacket = { ...PACKET, ...DENIED }

const SCANNER: ByBlock = {
  outcome: 'block',
  block: { id: 12, target: '192.0.2.0/24' as Cidr, actor: 'port-scan', reason: 'tried 10 ports in 2 s' },
  isBeyondLimit: false,
}

test('a line of firewall.log says when, what, by which rule, and why', () => {
  expect(firewallLine(SYN)).toBe(
    '2026-11-20T10:00:00.000Z DENY inbound rule=3 id=no-telnet proto=tcp src=192.0.2.1 sport=40000 ' +
      'dst=198.51.100.7 dport=23 flags=syn len=60 in=eth0 reason="no telnet here"',
  )
})

test('a default and a limit say so in words', () => {
  const byDefault: RuledPacket = {
    ...PACKET,
    ...DENIED,
    outcome: 'reject',
    rule: { number: 0, id: 'default-inbound' },
  }
  expect(firewallLine(byDefault)).toContain('reason="no rule decided: inbound is reject by default"')
  const beyond = { ...PACKET, ...DENIED, rule: { number: 2, id: 'rule-2' }, isBeyondLimit: true }
  expect(firewallLine(beyond)).toContain('reason="beyond the limit of: rule 2"')
})

test('the same packet as an EVE drop event has the names that Suricata gives them', () => {
  expect(JSON.parse(dropEvent({ ...SYN, program: '/usr/bin/nc', pid: 4 }))).toEqual({
    timestamp: '2026-11-20T10:00:00.000000+0000',
    event_type: 'drop',
    in_iface: 'eth0',
    src_ip: '192.0.2.1',
    src_port: 40_000,
    dest_ip: '198.51.100.7',
    dest_port: 23,
    proto: 'TCP',
    drop: {
      len: 60,
      tos: 0,
      ttl: 64,
      tcpseq: 9,
      tcpack: 0,
      tcpwin: 64_240,
      fin: false,
      syn: true,
      rst: false,
      psh: false,
      ack: false,
      urg: false,
      reason: 'rules',
    },
    verdict: { action: 'drop' },
    gatehouse: {
      id: 7,
      direction: 'inbound',
      rule: 3,
      rule_id: 'no-telnet',
      outcome: 'deny',
      beyond_limit: false,
      reason: 'no telnet here',
      pid: 4,
      program: '/usr/bin/nc',
    },
  })
})

test('what is only on trial is no drop', () => {
  const tried: RuledPacket = { ...PACKET, ...DENIED, outcome: 'audit' }
  const event = JSON.parse(dropEvent(tried))
  expect(event.verdict).toEqual({ action: 'alert' })
  expect(firewallLine(tried)).toContain(' AUDIT ')
})

test('what a block turned away has its number, whom it is about, who asked for it and why', () => {
  expect(firewallLine({ ...PACKET, ...SCANNER })).toBe(
    '2026-11-20T10:00:00.000Z BLOCK inbound block=12 target=192.0.2.0/24 by=port-scan proto=tcp src=192.0.2.1 ' +
      'sport=40000 dst=198.51.100.7 dport=23 flags=syn len=60 in=eth0 reason="tried 10 ports in 2 s"',
  )
  expect(JSON.parse(dropEvent({ ...PACKET, ...SCANNER }))).toMatchObject({
    event_type: 'drop',
    drop: { reason: 'rules' },
    verdict: { action: 'drop' },
    gatehouse: {
      outcome: 'block',
      block: { id: 12, target: '192.0.2.0/24', actor: 'port-scan' },
      reason: 'tried 10 ports in 2 s',
    },
  })
  const limited: RuledPacket = { ...PACKET, ...SCANNER, outcome: 'limit', isBeyondLimit: true }
  expect(firewallLine(limited)).toContain(' LIMIT inbound block=12 ')
  expect(JSON.parse(dropEvent(limited)).drop.reason).toBe('threshold detection_filter')
})

test('no text of a program, user, comment or block can begin a line or move a cursor', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const hostile = { ...PACKET, program: text, user: text }
      const packets: readonly RuledPacket[] = [
        { ...hostile, ...DENIED, rule: { number: 1, id: 'x', comment: text } },
        { ...hostile, ...SCANNER, block: { ...SCANNER.block, actor: text, reason: text } },
      ]
      for (const line of packets.flatMap((packet) => [firewallLine(packet), dropEvent(packet)])) {
        expect(line).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u)
      }
    }),
  )
  expect(firewallLine({ ...SYN, program: '/tmp/a b" DENY' })).toContain('program="/tmp/a b\\" DENY"')
})
