import { describe, expect, test } from 'vitest'
import { parseRules } from './parse.ts'
import { describeProblem, type RuleWorld } from './rule-reader.ts'

const world: RuleWorld = {
  uidOf: (name) => (name === 'anna' ? 1000 : undefined),
  listText: (path) =>
    path === '/lists/bad.txt' ? '# bad\n203.0.113.9\n198.51.100.0/24 ; net\nnonsense\n' : undefined,
}

const read = (text: string) => parseRules(text, 'rules.yaml', world)
const problemsOf = (text: string): string[] => read(text).problems.map(describeProblem)

describe('a rules file', () => {
  test('without a word lets everything pass', () => {
    expect(read('').book).toMatchObject({
      defaults: { inbound: 'allow', outbound: 'allow', forward: 'allow' },
      rules: [],
    })
  })

  test('is read with lists, conditions turned round, and short forms', () => {
    const { book, problems } = read(`
defaults: { inbound: deny }
lists:
  office: [192.0.2.0/25, 192.0.2.128/25, 2001:db8::/32]
  web: [80, 443, 8000-8080]
rules:
  - limit ssh
  - { id: web, action: allow, direction: in, protocol: tcp, port: web, from: { not: office } }
  - { action: deny, direction: out, user: anna, expires: 2027-01-01T00:00:00Z }
`)
    expect(problems).toEqual([])
    expect(book?.defaults).toEqual({ inbound: 'deny', outbound: 'allow', forward: 'allow' })
    expect(book?.rules.map(({ number, id, action }) => [number, id, action.kind])).toEqual([
      [1, 'rule-1', 'limit'],
      [2, 'web', 'allow'],
      [3, 'rule-3', 'deny'],
    ])
    // Two halves that touch are one.
    expect(book?.rules[1]?.conditions).toContainEqual(
      expect.objectContaining({
        kind: 'source',
        not: true,
        spans: expect.objectContaining({ v4: Uint32Array.of(0xc0000200, 0xc00002ff) }),
      }),
    )
    expect(book?.rules[2]?.conditions).toEqual([{ kind: 'user', not: false, text: 'anna', uids: [1000] }])
    expect(book?.rules[2]?.expiresAt).toBe(Date.UTC(2027, 0, 1))
  })

  test('may be JSON', () => {
    expect(read('{"rules": [{"action": "deny", "port": 25}]}').book?.rules).toHaveLength(1)
  })

  test('takes plain lists from files of their own, and says what it left out', () => {
    const { book, problems } = read(
      'lists: { bad: { file: /lists/bad.txt } }\nrules: [{ action: deny, from: bad }]',
    )
    expect(book?.lists).toMatchObject([{ name: 'bad', count: 2 }])
    expect(problems.map(describeProblem)).toEqual([
      'rules.yaml:1:23: lists.bad.file: line 4 of /lists/bad.txt is left out: "nonsense" is no address. Correct it.',
    ])
  })
})

describe('what is wrong has its line, what was expected, and the nearest word', () => {
  test.each([
    [
      'rules:\n  - actoin: allow',
      'rules.yaml:2:5: rules[0].actoin: there is no such part of a rule. Did you mean action?',
    ],
    [
      'rules:\n  - action: alow',
      'rules.yaml:2:13: rules[0].action: expected one of allow, deny, reject, limit, audit, found the text "alow". Did you mean allow?',
    ],
    [
      'defaults:\n  inbund: deny',
      'rules.yaml:2:3: defaults.inbund: there is no such direction. Did you mean inbound?',
    ],
    [
      'lists: { office: [192.0.2.1] }\nrules: [{ action: deny, from: ofice }]',
      'rules.yaml:2:31: rules[0].from: expected an address, a range or a list of addresses, found the text "ofice". Did you mean the list office?',
    ],
    [
      'rules:\n - { action: deny, port: [80, shh] }',
      'rules.yaml:2:31: rules[0].port[1]: expected a port from 0 to 65535, a range of ports or a service, found the text "shh". Did you mean ssh?',
    ],
    [
      'rules:\n - { action: deny, from: 192.0.2.300 }',
      'expected an address, a range or a list of addresses, found the text "192.0.2.300"',
    ],
    ['rules:\n - { action: deny, protocol: tpc }', 'Did you mean tcp?'],
    [
      'rules:\n - { action: deny, src: 192.0.2.1 }',
      'rules.yaml:2:20: rules[0].src: there is no such part of a rule. Did you mean from?',
    ],
    [
      'rules:\n - { action: deny, user: bob }',
      'expected a user of this machine, by name or number, found the text "bob"',
    ],
    [
      'rules:\n - alow 22/tcp',
      'rules.yaml:2:4: rules[0]: expected allow, deny, reject, limit, audit, found "alow". Did you mean allow?',
    ],
    ['rules:\n - allow 192.0.2.1', 'Say which end it is: from 192.0.2.1.'],
    [
      'rules:\n - { action: deny, id: a }\n - { action: deny, id: a }',
      'rules.yaml:3:24: rules[1].id: rule 1 has the id a too.',
    ],
    ['rules:\n - { action: deny, limit: { rate: 1/s } }', 'a rule with action deny has no limit'],
    [
      'rules:\n - { action: limit, limit: { rate: fast } }',
      'expected a number per time, found the text "fast"',
    ],
    ['rules:\n - { action: deny, direction: in, user: 0 }', 'only outbound packets have a user'],
    ['rules:\n - { action: deny, expires: tomorrow }', 'expected a time, found the text "tomorrow"'],
    ['rules: [', 'this is not valid YAML'],
    ['- 1', 'expected the groups defaults, lists and rules, found the list [1]'],
  ])('%j', (text, problem) => {
    const { book } = read(text)
    expect(book).toBeUndefined()
    expect(problemsOf(text).join('\n')).toContain(problem)
  })

  test('and all of it is said at once', () => {
    expect(problemsOf('rules:\n - { actoin: allow }\n - { action: deny, port: 99999 }\n - 7')).toHaveLength(4)
  })
})
