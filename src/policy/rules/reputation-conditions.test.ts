import { expect, test } from 'vitest'
import { ip } from '#model/address.ts'
import type { PacketFacts } from '#model/rule.ts'
import { judge } from './judge.ts'
import { parseRules } from './parse.ts'
import { conditionText } from './sentence.ts'

const world = { uidOf: () => undefined, listText: () => undefined }
const read = (line: string) => parseRules(`rules:\n  - ${line}\n`, 'rules.yaml', world)

const packet = (names: readonly string[]): PacketFacts => ({
  ...{ direction: 'outbound', protocol: 6, source: ip('192.0.2.1'), target: ip('198.51.100.7') },
  ...{ state: 'new', at: 0, targetNames: names },
})

test('a rule by reputation means the other end, and is told in its own words', () => {
  const { book, problems } = read('{ action: deny, direction: outbound, reputation: ">80" }')
  expect(problems).toEqual([])
  expect(book?.rules[0]?.conditions.map(conditionText)).toEqual(['reputation >80'])
  const verdict = (names: readonly string[]) => book && judge(book, packet(names)).action
  expect([verdict(['REPUTATION>70', 'REPUTATION>80']), verdict(['REPUTATION>70']), verdict([])]).toEqual([
    'deny',
    'allow',
    'allow',
  ])
})

test.each(['80', '">85"', '"<50"', '">0"', 'bad', '{ not: ">100" }'])('%s is no reputation', (value) => {
  const { problems } = read(`{ action: deny, reputation: ${value} }`)
  expect(problems[0]?.message).toContain('a reputation such as ">80"')
  expect(problems[0]?.hint).toBe('Write ">10", ">20" … or ">90", in quotes.')
})
