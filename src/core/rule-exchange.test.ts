import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { RulesCheck } from '#contract/rules.ts'
import { ip } from '#model/address.ts'
import { parseRules } from '#policy/rules/parse.ts'
import { randomRuleFile } from '../../test/support/rule-files.ts'
import { Dice } from '../../test/support/rule-packets.ts'
import { trialWorld } from '../../test/support/rule-trial-world.ts'
import { createRuleExchange } from './rule-exchange.ts'

const FINE: RulesCheck = { isValid: true, problems: [], remarks: [], cuts: [] }
const AT = Date.UTC(2026, 10, 20, 10)

const bookOf = (text: string) => {
  const { book, problems } = parseRules(text, 'test', trialWorld)
  if (!book) throw new Error(JSON.stringify(problems))
  return book
}

function exchangeOf(text: string) {
  const drafts: string[] = []
  const desk = {
    standing: { text, book: bookOf(text) },
    check: () => FINE,
    draft(draft: string) {
      drafts.push(draft)
      return FINE
    },
  }
  return {
    drafts,
    exchange: createRuleExchange({ desk, table: 'gatehouse_rules', markMask: 0xff000000, now: () => AT }),
  }
}

const ADDRESSES = {
  own4: ip('10.0.0.1'),
  own6: ip('fd00::1'),
  strangers4: ['192.0.2.1', '198.51.100.7'].map(ip),
  strangers6: ['2001:db8::1', '2001:db8:2::7'].map(ip),
  beyond4: ['10.99.0.5'].map(ip),
  beyond6: ['fd99::5'].map(ip),
}

test('YAML is given with its comments, and JSON reads back to the same rules', () => {
  const yaml = `# mine
defaults: { inbound: deny } # careful
lists:
  office: [192.0.2.0/24, "2001:db8::/32"]
rules:
  # daily
  - allow ssh from office
  - { id: shop, action: limit, direction: in, protocol: tcp, port: [80, 443], limit: { rate: 10/second } }
`
  const { exchange } = exchangeOf(yaml)
  expect(exchange.export('yaml').text).toBe(yaml)
  const json = exchange.export('json').text
  expect(JSON.parse(json)).toMatchObject({ defaults: { inbound: 'deny' } })
  expect(bookOf(json)).toEqual(bookOf(yaml))
})

test('whatever the rules are, their JSON reads back to the same rules', () => {
  fc.assert(
    fc.property(fc.nat(), (seed) => {
      const text = randomRuleFile(new Dice(seed), ADDRESSES, AT)
      expect(bookOf(exchangeOf(text).exchange.export('json').text)).toEqual(bookOf(text))
    }),
    { numRuns: 40 },
  )
})

test('an import is a draft, or only an answer, and says what was left out', () => {
  const { exchange, drafts } = exchangeOf('rules: [deny in from 203.0.113.9]')
  const request = { text: '192.0.2.1\nnonsense\u001b[31m\n', name: 'bad' }
  const dry = exchange.import({ ...request, dryRun: true })
  expect(drafts).toEqual([])
  expect(dry).toMatchObject({
    format: 'list',
    rules: 2,
    skipped: 1,
    lines: [{ line: 2, text: 'nonsense\\u{1b}[31m' }],
  })
  expect(exchange.import(request).text).toBe(dry.text)
  expect(drafts).toEqual([dry.text])
  expect(bookOf(dry.text).rules.map(({ action }) => action.kind)).toEqual(['deny', 'deny', 'deny'])
})

test('a text that is no ruleset is refused, and so is one without a rule', () => {
  const { exchange } = exchangeOf('')
  const name = 'imported'
  expect(() => exchange.import({ text: 'hello', name })).toThrow('looks like no ruleset')
  expect(() => exchange.import({ text: '*nat\n-A X -j MASQUERADE\n', name })).toThrow(
    'No rule was found in it as iptables-save. Line 2: only the table filter is read, not nat.',
  )
})
