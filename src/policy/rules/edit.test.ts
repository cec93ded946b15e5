import { describe, expect, test } from 'vitest'
import { withoutRule, withRule } from './edit.ts'

const TEXT = `# ours
defaults: { inbound: deny } # careful
rules:
  # for the office
  - allow ssh from 192.0.2.0/24
  - { action: deny, port: 25 } # no mail
`

describe('an edit', () => {
  test('adds a rule where it is asked to, and keeps every comment', () => {
    expect(withRule(TEXT, 'allow https', 2)).toBe(
      TEXT.replace('  - { action', '  - allow https\n  - { action'),
    )
    expect(withRule(TEXT, { action: 'deny', port: 23 })).toBe(`${TEXT}  - { action: deny, port: 23 }\n`)
  })

  test('removes a rule, or says that there is none', () => {
    expect(withoutRule(TEXT, 2)).toBe(TEXT.replace('  - { action: deny, port: 25 } # no mail\n', ''))
    expect(withoutRule(TEXT, 3)).toBeUndefined()
    expect(withoutRule(TEXT, 0)).toBeUndefined()
  })

  test('begins a file', () => {
    expect(withRule('', 'limit ssh')).toBe('rules:\n  - limit ssh\n')
    expect(withRule('rules: []\n', 'limit ssh')).toBe('rules:\n  - limit ssh\n')
  })

  test('leaves JSON JSON', () => {
    expect(JSON.parse(withRule('{"rules": ["limit ssh"]}', 'deny in', 1))).toEqual({
      rules: ['deny in', 'limit ssh'],
    })
  })
})
