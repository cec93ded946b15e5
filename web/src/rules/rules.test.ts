import { expect, test } from 'vitest'
import { compareLines } from '../../../src/contract/compared-lines.ts'
import type { ReadRule } from '../../../src/contract/rule-drafting.ts'
import type { Connection } from '../../../src/contract/schemas.ts'
import { countChanges, draftRows } from './draft-rows.ts'
import { fieldText, fieldValue, keysOfQuery, ruleHref, withKeys } from './rule-keys.ts'

const rules = (...all: Record<string, unknown>[]): ReadRule[] =>
  all.map((keys, at) => ({
    number: at + 1,
    id: typeof keys['id'] === 'string' ? keys['id'] : `rule-${at + 1}`,
    enabled: true,
    action: 'allow',
    text: JSON.stringify(keys),
    keys,
    isShort: false,
  }))
const [ssh, web, mail] = [{ port: 22 }, { port: 443 }, { id: 'mail', port: 25 }]
const marks = (draft: ReadRule[], inForce: ReadRule[]) =>
  draftRows(draft, inForce).map(({ mark, rule, was }) => [mark, rule.keys['port'], was?.number])

test('a draft that is what is in force has no changes', () => {
  const rows = draftRows(rules(ssh, web, mail), rules(ssh, web, mail))
  expect(rows.map(({ mark }) => mark)).toEqual(['same', 'same', 'same'])
  expect(countChanges(rows)).toBe(0)
})

test('a rule that was moved is one change, and is known by the rule that it was', () => {
  expect(marks(rules(web, mail, ssh), rules(ssh, web, mail))).toEqual([
    ['same', 443, 2],
    ['same', 25, 3],
    ['moved', 22, 1],
  ])
})

test('added, removed and changed rules stand where they are, were, or are now', () => {
  expect(marks(rules(ssh, { port: 80 }, web, mail), rules(ssh, web, mail))[1]).toEqual([
    'added',
    80,
    undefined,
  ])
  expect(marks(rules(ssh, mail), rules(ssh, web, mail))).toEqual([
    ['same', 22, 1],
    ['removed', 443, 2],
    ['same', 25, 3],
  ])
  expect(marks(rules(ssh, web, { id: 'mail', port: 587 }), rules(ssh, web, mail))[2]).toEqual([
    'changed',
    587,
    3,
  ])
  expect(marks(rules(ssh, { port: 8443 }, mail), rules(ssh, web, mail))[1]).toEqual(['changed', 8443, 2])
})

test('fields hold what the file holds, and back', () => {
  for (const value of [22, 'ssh', [80, 443], { not: '192.0.2.0/24' }, { not: [1, 2] }, '8000-8080']) {
    expect(fieldValue(fieldText(value))).toEqual(value)
  }
  expect([fieldValue(' '), fieldText(undefined), fieldValue('80,')]).toEqual([undefined, '', 80])
  expect(withKeys({ a: 1, b: 2 }, { b: undefined, c: 3 })).toEqual({ a: 1, c: 3 })
})

test('a connection leads to a rule about it, in its own direction', () => {
  const connection = {
    direction: 'inbound',
    peer: '203.0.113.9',
    protocol: 'tcp',
    targetPort: 22,
  } as Connection
  const href = ruleHref(connection)
  expect(href).toMatch(/^\/rules\?new=connection&/)
  expect(keysOfQuery(new URLSearchParams(href.split('?')[1]))).toEqual({
    action: 'deny',
    direction: 'inbound',
    from: '203.0.113.9',
    protocol: 'tcp',
    port: 22,
  })
  const ping = keysOfQuery(
    new URLSearchParams(ruleHref({ ...connection, direction: 'local', protocol: 'icmp' }).split('?')[1]),
  )
  expect(ping).toEqual({ action: 'deny', direction: 'outbound', to: '203.0.113.9', protocol: 'icmp' })
})

test('two texts are compared line by line', () => {
  const lines = compareLines('a\nb\nc\nd\n', 'a\nc\nx\nd\ne\n')
  expect(
    lines.map(({ kind, text }) => `${kind === 'same' ? ' ' : kind === 'added' ? '+' : '-'}${text}`),
  ).toEqual([' a', '-b', ' c', '+x', ' d', '+e'])
  expect(lines.map(({ number }) => number)).toEqual([1, 2, 2, 3, 4, 5])
  expect(compareLines('', 'a')).toEqual([{ kind: 'added', text: 'a', number: 1 }])
})
