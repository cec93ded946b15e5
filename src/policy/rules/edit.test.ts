import { describe, expect, test } from 'vitest'
import { edited, withoutRule, withRule } from './edit.ts'

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

const MORE = `# ours
rules:
  # for the office
  - allow ssh from 192.0.2.0/24 # the first

  # mail
  - { action: deny, port: 25 } # no mail
  - action: allow
    port: 22 # ssh
`

describe('comments', () => {
  test('move with their rule, also from the first place and back', () => {
    const moved = edited(MORE, { kind: 'move', number: 1, to: 3 }) ?? ''
    expect(moved).toBe(`# ours
rules:
  # mail
  - { action: deny, port: 25 } # no mail
  - action: allow
    port: 22 # ssh
  # for the office
  - allow ssh from 192.0.2.0/24 # the first
`)
    expect(edited(moved, { kind: 'move', number: 3, to: 1 })).toBe(MORE.replace('\n\n', '\n'))
  })

  test('stay when a rule is replaced, switched off and on again', () => {
    const replacedText = edited(MORE, { kind: 'replace', number: 3, rule: { action: 'deny', port: 22 } })
    expect(replacedText).toBe(MORE.replace('action: allow\n', 'action: deny\n'))
    expect(edited(MORE, { kind: 'replace', number: 1, rule: 'deny ssh' })).toBe(
      MORE.replace('allow ssh from 192.0.2.0/24', 'deny ssh'),
    )
    const off = edited(MORE, { kind: 'enable', number: 2, enabled: false }) ?? ''
    expect(off).toContain('- { action: deny, port: 25, enabled: false } # no mail')
    expect(edited(off, { kind: 'enable', number: 2, enabled: true })).toBe(MORE)
    expect(edited(MORE, { kind: 'enable', number: 1, enabled: false })).toContain(
      'from: 192.0.2.0/24, enabled: false } # the first',
    )
  })

  test('stay before the first rule when another is put there', () => {
    expect(edited(MORE, { kind: 'add', rule: 'allow https', at: 1 })).toContain(
      'rules:\n  - allow https\n  # for the office\n',
    )
  })
})

test('a default is set where there was none, and changed where there was one', () => {
  const once = edited(MORE, { kind: 'default', direction: 'inbound', policy: 'deny' }) ?? ''
  expect(once).toContain('defaults: { inbound: deny }\n')
  expect(edited(once, { kind: 'default', direction: 'inbound', policy: 'allow' })).toContain(
    '{ inbound: allow }',
  )
})

test('lists and groups that nobody touched are written as they were', () => {
  for (const list of ['[80, 443]', '[ 80, 443 ]']) {
    const text = `rules:\n  - { action: deny, port: { not: ${list} } }\n`
    expect(edited(text, { kind: 'add', rule: 'deny in' })).toBe(`${text}  - deny in\n`)
  }
  const narrow = 'rules:\n  - {action: deny, port: [80, 443]}\n'
  expect(edited(narrow, { kind: 'add', rule: 'deny in' })).toBe(`${narrow}  - deny in\n`)
})

test('what names no rule changes nothing', () => {
  for (const number of [0, 4]) {
    expect(edited(MORE, { kind: 'move', number, to: 1 })).toBeUndefined()
    expect(edited(MORE, { kind: 'replace', number, rule: 'deny in' })).toBeUndefined()
  }
})
