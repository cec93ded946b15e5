import { expect, test } from 'vitest'
import { ip } from '#model/address.ts'
import type { PacketFacts, RuleBook } from '#model/rule.ts'
import { check } from './check.ts'
import { compile } from './compile.ts'
import { judge } from './judge.ts'
import { parseRules } from './parse.ts'
import { describeProblem } from './rule-reader.ts'

const world = { uidOf: () => undefined, listText: () => undefined }

function bookOf(rules: string): RuleBook {
  const { book, problems } = parseRules(`rules:\n${rules}`, 'rules.yaml', world)
  if (!book) throw new Error(problems.map(describeProblem).join('\n'))
  return book
}

const outbound = (...targetNames: string[]): PacketFacts => ({
  direction: 'outbound',
  protocol: 6,
  source: ip('192.0.2.1'),
  target: ip('198.51.100.7'),
  sourcePort: 50_000,
  targetPort: 443,
  state: 'new',
  at: 0,
  targetNames,
})

const verdictOf = (rules: string, facts: PacketFacts): string => judge(bookOf(rules), facts).action

test('a domain is that of the other end, and any name of its address counts', () => {
  const rules = '  - { action: deny, domain: [.ads.example, track.example] }'
  expect(verdictOf(rules, outbound('shop.example', 'x.ads.example'))).toBe('deny')
  expect(verdictOf(rules, outbound('track.example'))).toBe('deny')
  expect(verdictOf(rules, outbound('x.track.example'))).toBe('allow')
  expect(verdictOf(rules, { ...outbound(), sourceNames: ['ads.example'] })).toBe('allow')
})

test('an address without a name is of no domain', () => {
  const rules = '  - { action: deny, domain: { not: [.corp.example] } }'
  expect(verdictOf(rules, outbound())).toBe('deny')
  expect(verdictOf(rules, outbound('www.corp.example'))).toBe('allow')
})

test('rules that name the same domains share one set for each family', () => {
  const rules = `  - { action: deny, toDomain: "*.ads.example", port: 1 }
  - { action: deny, direction: out, domain: .ads.example, port: 2 }
  - { action: deny, direction: out, domain: ads.example }`
  expect(compile(bookOf(rules), 0).named).toEqual([
    { name: 'names1', family: 4, domains: [{ name: 'ads.example', isWithBelow: true }] },
    { name: 'names2', family: 6, domains: [{ name: 'ads.example', isWithBelow: true }] },
    { name: 'names3', family: 4, domains: [{ name: 'ads.example', isWithBelow: false }] },
    { name: 'names4', family: 6, domains: [{ name: 'ads.example', isWithBelow: false }] },
  ])
})

test('a rule for the same domain behind the first is told', () => {
  const rules = `  - { action: deny, toDomain: ads.example }
  - { action: allow, toDomain: ads.example, port: 443 }
  - { action: allow, fromDomain: ads.example }`
  expect(check(bookOf(rules), 0)).toMatchObject([{ number: 2, kind: 'shadowed', by: 1 }])
})

test.each([
  ['https://ads.example/x', 'Write the name alone, without https:// and path.'],
  ['ads.*.example', 'A star stands only at the beginning'],
  ['192.0.2.1', 'Write ads.example for that name alone, .ads.example for it and all below it.'],
])('%s is no domain, and it is told where', (written, told) => {
  const { problems } = parseRules(`rules:\n  - { action: deny, domain: "${written}" }`, 'rules.yaml', world)
  expect(problems.map(describeProblem).join()).toMatch(
    /^rules\.yaml:2:29: rules\[0\]\.domain: expected the name of a domain/,
  )
  expect(problems.map(describeProblem).join()).toContain(told)
})

test('who writes a domain where an address belongs is told the key for it', () => {
  const { problems } = parseRules('rules: [{ action: deny, to: ads.example }]', 'rules.yaml', world)
  expect(problems.map(describeProblem).join()).toContain('For a domain write toDomain: ads.example')
})
