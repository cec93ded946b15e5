import { expect, test } from 'vitest'
import { ip } from '#model/address.ts'
import type { PacketFacts, RuleBook } from '#model/rule.ts'
import { madeUpPlaces } from '../../../test/support/made-up-places.ts'
import { check } from './check.ts'
import { compile } from './compile.ts'
import { explain } from './explain.ts'
import { judge } from './judge.ts'
import { parseRules } from './parse.ts'
import { describeProblem, type RuleWorld } from './rule-reader.ts'

const places = madeUpPlaces(
  { DE: ['203.0.113.0/24', '2001:db8:49::/48'], GB: ['198.51.100.0/25'], NO: ['198.51.100.128/25'] },
  { 64500: ['203.0.113.0/25'], 64501: ['198.51.100.0/24'] },
)
const world: RuleWorld = { uidOf: () => undefined, listText: () => undefined, places }

function bookOf(rules: string): RuleBook {
  const { book, problems } = parseRules(`rules:\n${rules}`, 'rules.yaml', world)
  if (!book) throw new Error(problems.map(describeProblem).join('\n'))
  return book
}

const problemsOf = (rules: string, within = world): string[] =>
  parseRules(`rules:\n${rules}`, 'rules.yaml', within).problems.map(describeProblem)

const packet = (direction: PacketFacts['direction'], source: string, target: string): PacketFacts => ({
  direction,
  protocol: 6,
  source: ip(source),
  target: ip(target),
  sourcePort: 50_000,
  targetPort: 443,
  state: 'new',
  at: 0,
})

const HOME = '192.0.2.1'
const inboundFrom = (source: string): PacketFacts => packet('inbound', source, HOME)
const outboundTo = (target: string): PacketFacts => packet('outbound', HOME, target)
const verdictOf = (rules: string, facts: PacketFacts): string => judge(bookOf(rules), facts).action

test('a country is that of the other end: who sends what is inbound, else whom it is for', () => {
  const rules = '  - { action: deny, country: DE }'
  expect(verdictOf(rules, inboundFrom('203.0.113.9'))).toBe('deny')
  expect(verdictOf(rules, outboundTo('2001:db8:49::1'))).toBe('deny')
  expect(verdictOf(rules, packet('forward', HOME, '203.0.113.9'))).toBe('deny')
  expect(verdictOf(rules, packet('forward', '203.0.113.9', HOME))).toBe('allow')
  expect(verdictOf(rules, inboundFrom('198.51.100.1'))).toBe('allow')
})

test('each end can be named', () => {
  const rules = '  - { action: deny, fromCountry: DE, toAsn: AS64501 }'
  expect(verdictOf(rules, packet('forward', '203.0.113.9', '198.51.100.1'))).toBe('deny')
  expect(verdictOf(rules, packet('forward', '198.51.100.1', '203.0.113.9'))).toBe('allow')
})

test('turned round it still asks for an address of which the country is known', () => {
  const rules = '  - { action: deny, country: { not: [de, NO] } }'
  expect(verdictOf(rules, inboundFrom('198.51.100.1'))).toBe('deny')
  expect(verdictOf(rules, inboundFrom('203.0.113.9'))).toBe('allow')
  expect(verdictOf(rules, inboundFrom('192.0.2.77'))).toBe('allow')
})

test('rules that ask for the same places share one set', () => {
  const rules = `  - { action: deny, country: [DE, NO], port: 1 }
  - { action: deny, country: [NO, DE], port: 2 }
  - { action: deny, country: { not: [NO, DE] }, port: 3 }
  - { action: deny, country: { not: [DE, NO] }, port: 4 }`
  // Of the first two one IPv4 set; the others' is a single span, and IPv6 has one span each.
  expect(compile(bookOf(rules), 0).sets.filter(({ holds }) => holds === 'address4')).toHaveLength(1)
})

test.each([
  [
    'country: XX',
    'rules[0].country: expected the code of a country, found the text "XX". Use a code of ISO 3166-1, such as DE or US.',
  ],
  ['country: UK', 'Did you mean GB, United Kingdom?'],
  ['country: Germny', 'Did you mean DE, Germany?'],
  ['asn: ACME', 'Write it like 64500 or AS64500.'],
  ['contry: DE', 'Did you mean country?'],
  ['fromcountry: DE', 'Did you mean fromCountry?'],
])('%s is told with its place and what was meant', (written, told) => {
  const [problem] = problemsOf(`  - { action: deny, ${written} }`)
  expect(problem).toMatch(/^rules\.yaml:2:\d+: /)
  expect(problem).toContain(told)
})

test('a network of which no address is known is doubted, not refused', () => {
  const { book, problems } = parseRules('rules: [{ action: deny, asn: 64999 }]', 'rules.yaml', world)
  expect(book?.rules).toHaveLength(1)
  expect(problems).toMatchObject([{ severity: 'warning', message: 'no address of AS64999 is known' }])
  expect(check(book as RuleBook, 0)).toMatchObject([{ kind: 'unreachable' }])
})

test('without data about places a rule that needs it is refused when it is written', () => {
  const { places: _, ...without } = world
  expect(problemsOf('  - { action: deny, fromCountry: DE }', without)).toEqual([
    'rules.yaml:2:34: rules[0].fromCountry: there is no data about countries and networks, so this cannot be enforced. Run this once in the folder of Gatehouse, then start it again: npm run places',
  ])
})

test('a rule behind one that covers its countries is told', () => {
  const rules = `  - { action: deny, country: [DE, NO] }
  - { action: allow, country: DE }
  - { action: allow, fromCountry: DE }`
  expect(check(bookOf(rules), 0)).toMatchObject([{ number: 2, kind: 'shadowed', by: 1 }])
})

test('an explanation says of each condition whether it held', () => {
  const { steps } = explain(
    bookOf('  - { action: deny, country: { not: DE }, asn: 64501 }'),
    inboundFrom('203.0.113.9'),
  )
  expect(steps.at(-1)?.conditions.slice(-2)).toEqual([
    { text: 'not country DE', holds: false },
    { text: 'asn 64501', holds: false },
  ])
})
