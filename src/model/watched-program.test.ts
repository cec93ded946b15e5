import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseTarget } from './address.ts'
import { decisionTarget, parseWatchedRule, ruleOfDecision, watchedText } from './watched-program.ts'

const HASH = 'AB'.repeat(32)

test.each([
  ['/usr/bin/curl', { by: 'path', path: '/usr/bin/curl' }],
  ['curl', { by: 'name', name: 'curl' }],
  [HASH, { by: 'hash', sha256: HASH.toLowerCase() }],
  [`sha256:${HASH}`, { by: 'hash', sha256: HASH.toLowerCase() }],
  ['', undefined],
  ['..', undefined],
  ['a/b', undefined],
  ['/usr/bin/', undefined],
  ['/a\0b', undefined],
])('%j names %j', (text, rule) => {
  expect(parseWatchedRule(text)).toEqual(rule)
})

test('a rule comes back from its text and from its decision, and is never taken for an address', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1, maxLength: 300 }), (text) => {
      const rule = parseWatchedRule(text)
      if (!rule) return
      expect(parseWatchedRule(watchedText(rule))).toEqual(rule)
      expect(ruleOfDecision(decisionTarget(rule))).toEqual(rule)
      expect(parseTarget(decisionTarget(rule))).toBeUndefined()
    }),
  )
})
