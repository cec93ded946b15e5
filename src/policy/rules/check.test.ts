import { describe, expect, test } from 'vitest'
import type { RuleBook } from '#model/rule.ts'
import { check } from './check.ts'
import { parseRules } from './parse.ts'
import { describeProblem } from './rule-reader.ts'

const AT = Date.UTC(2026, 5, 1)

function bookOf(text: string): RuleBook {
  const { book, problems } = parseRules(text, 'test', { uidOf: () => undefined, listText: () => undefined })
  if (!book) throw new Error(problems.map(describeProblem).join('\n'))
  return book
}

const remarks = (...rules: string[]) =>
  check(bookOf(`rules:\n${rules.map((rule) => ` - ${rule}\n`).join('')}`), AT).map(({ number, kind, by }) => [
    number,
    kind,
    by,
  ])

describe('check finds', () => {
  test('a rule behind one that decides all it matches', () => {
    expect(remarks('deny in from 192.0.2.0/24', 'allow 22/tcp from 192.0.2.7')).toEqual([[2, 'shadowed', 1]])
    expect(
      remarks('{ action: deny, port: 1-1023 }', '{ action: allow, port: [22, 80], protocol: tcp }'),
    ).toEqual([[2, 'shadowed', 1]])
    expect(
      remarks('{ action: deny, from: { not: 192.0.2.7 } }', '{ action: allow, from: { not: 192.0.2.0/24 } }'),
    ).toEqual([[2, 'shadowed', 1]])
  })

  test('a rule that says the same again', () => {
    expect(remarks('allow 22/tcp', 'allow ssh')).toEqual([[2, 'duplicate', 1]])
  })

  test('a rule that no packet can meet, or whose time is over', () => {
    expect(remarks('{ action: deny, port: 80, protocol: icmp }')).toEqual([[1, 'unreachable', undefined]])
    expect(remarks('{ action: deny, state: established }')).toEqual([[1, 'unreachable', undefined]])
    expect(remarks('{ action: deny, expires: 2026-01-01 }')).toEqual([[1, 'expired', undefined]])
  })

  test('nothing where rules only overlap, pass on, or come and go', () => {
    expect(remarks('deny 22/tcp from 192.0.2.0/24', 'allow 22/tcp')).toEqual([])
    expect(remarks('{ action: audit }', 'allow 22/tcp')).toEqual([])
    expect(remarks('{ action: deny, expires: 2027-01-01 }', 'allow 22/tcp')).toEqual([])
    expect(remarks('{ action: deny, port: { not: 22 } }', '{ action: allow, protocol: icmp }')).toEqual([])
    expect(remarks('{ action: deny, enabled: false }', 'allow 22/tcp')).toEqual([])
  })
})
