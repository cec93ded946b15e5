import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ip } from '#model/address.ts'
import type { RuledPacket } from '#model/ruled-packet.ts'
import { dropEvent } from './eve-drop.ts'
import { firewallLine } from './firewall-line.ts'

const SYN: RuledPacket = {
  id: 7,
  at: Date.UTC(2026, 10, 20, 10),
  direction: 'inbound',
  outcome: 'deny',
  rule: { number: 3, id: 'no-telnet', comment: 'no telnet here' },
  isBeyondLimit: false,
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
}

test('a line of firewall.log says when, what, by which rule, and why', () => {
  expect(firewallLine(SYN)).toBe(
    '2026-11-20T10:00:00.000Z DENY inbound rule=3 id=no-telnet proto=tcp src=192.0.2.1 sport=40000 ' +
      'dst=198.51.100.7 dport=23 flags=syn len=60 in=eth0 reason="no telnet here"',
  )
})

test('a default and a limit say so in words', () => {
  const byDefault = { ...SYN, outcome: 'reject' as const, rule: { number: 0, id: 'default-inbound' } }
  expect(firewallLine(byDefault)).toContain('reason="no rule decided: inbound is reject by default"')
  const beyond = { ...SYN, rule: { number: 2, id: 'rule-2' }, isBeyondLimit: true }
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
  const event = JSON.parse(dropEvent({ ...SYN, outcome: 'audit' }))
  expect(event.verdict).toEqual({ action: 'alert' })
  expect(firewallLine({ ...SYN, outcome: 'audit' })).toContain(' AUDIT ')
})

test('no text of a program, user or comment can begin a line or move a cursor', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const packet = { ...SYN, program: text, user: text, rule: { number: 1, id: 'x', comment: text } }
      for (const line of [firewallLine(packet), dropEvent(packet)]) {
        expect(line).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u)
      }
    }),
  )
  expect(firewallLine({ ...SYN, program: '/tmp/a b" DENY' })).toContain('program="/tmp/a b\\" DENY"')
})
