import { describe, expect, test } from 'vitest'
import { ip } from '#model/address.ts'
import type { PacketFacts } from '#model/rule.ts'
import { judge } from './judge.ts'
import { parseRules } from './parse.ts'
import { describeProblem } from './rule-reader.ts'

// The whole of it is proven against the kernel: test/kernel/rules-differential.test.ts. Here is what a reader looks for.

function bookOf(text: string) {
  const { book, problems } = parseRules(text, 'test', { uidOf: () => undefined, listText: () => undefined })
  if (!book) throw new Error(problems.map(describeProblem).join('\n'))
  return book
}

const packet = (facts: Partial<PacketFacts> = {}): PacketFacts => ({
  direction: 'inbound',
  protocol: 6,
  source: ip('192.0.2.7'),
  target: ip('198.51.100.1'),
  sourcePort: 40_000,
  targetPort: 22,
  fromInterface: 'eth0',
  state: 'new',
  at: Date.UTC(2026, 0, 5, 12),
  ...facts,
})

const verdict = (rules: string, facts: Partial<PacketFacts> = {}) => {
  const { action, id, audited } = judge(bookOf(rules), packet(facts))
  return [action, id, ...audited]
}

describe('judge', () => {
  test('lets the first rule that matches decide', () => {
    const rules = 'rules: [deny 22/tcp from 192.0.2.7, allow 22/tcp, deny in]'
    expect(verdict(rules)).toEqual(['deny', 'rule-1'])
    expect(verdict(rules, { source: ip('192.0.2.8') })).toEqual(['allow', 'rule-2'])
    expect(verdict(rules, { targetPort: 23 })).toEqual(['deny', 'rule-3'])
    expect(verdict(rules, { direction: 'outbound' })).toEqual(['allow', 'default-outbound'])
  })

  test('says why', () => {
    expect(judge(bookOf('rules: [{ id: no-ssh, action: deny, port: ssh }]'), packet()).because).toBe(
      'rule 1 (no-ssh) says deny',
    )
    expect(judge(bookOf('defaults: { inbound: deny }'), packet()).because).toBe(
      'no rule decides; the default of inbound is deny',
    )
  })

  test('only records what a rule on trial says, and goes on', () => {
    const rules = 'rules: [{ action: deny, audit: true }, { action: audit, port: 22 }, allow 22/tcp]'
    expect(verdict(rules)).toEqual(['allow', 'rule-3', 'rule-1', 'rule-2'])
  })

  test('turned round, a condition still asks for the thing itself', () => {
    const rules = 'rules: [{ action: deny, port: { not: 22 } }]'
    expect(verdict(rules, { targetPort: 80 })).toEqual(['deny', 'rule-1'])
    expect(verdict(rules, { protocol: 1, icmpType: 8 })).toEqual(['allow', 'default-inbound'])
  })

  test('leaves a default deny without what a machine lives on', () => {
    const rules = 'defaults: { inbound: deny, outbound: deny }'
    expect(verdict(rules, { state: 'established' })).toEqual(['allow', 'established'])
    expect(verdict(rules, { fromInterface: 'lo' })).toEqual(['allow', 'loopback'])
    const neighbour = { protocol: 58, icmpType: 135, source: ip('fe80::1'), target: ip('ff02::1') }
    expect(verdict(rules, { ...neighbour, hopLimit: 255 })).toEqual(['allow', 'neighbours'])
    expect(verdict(rules, { ...neighbour, hopLimit: 64 })).toEqual(['deny', 'default-inbound'])
    expect(verdict(rules, { protocol: 17, sourcePort: 67, targetPort: 68 })).toEqual(['allow', 'dhcp-in'])
    expect(verdict(`${rules}\nessentials: judge`, { fromInterface: 'lo' })).toEqual([
      'deny',
      'default-inbound',
    ])
  })

  test('knows when a rule counts', () => {
    const rules = `rules:
      - { action: deny, expires: 2026-01-05T11:00:00Z }
      - { action: reject, schedule: { days: [mon], from: "08:00", to: "18:00" } }`
    const monday = new Date(2026, 0, 5, 12).getTime()
    expect(verdict(rules, { at: monday })).toEqual(['reject', 'rule-2'])
    expect(verdict(rules, { at: monday + 86_400_000 })).toEqual(['allow', 'default-inbound'])
    expect(verdict(rules, { at: Date.UTC(2026, 0, 5, 10) - 7 * 86_400_000 })).not.toEqual([
      'allow',
      'default-inbound',
    ])
  })
})
