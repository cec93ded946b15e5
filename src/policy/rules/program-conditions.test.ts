import { describe, expect, test } from 'vitest'
import type { Ip } from '#model/address.ts'
import type { PacketFacts } from '#model/rule.ts'
import { check } from './check.ts'
import { compile } from './compile.ts'
import { explain } from './explain.ts'
import { judge } from './judge.ts'
import { parseRules } from './parse.ts'
import { describeProblem, type RuleWorld } from './rule-reader.ts'
import { parseShortForm } from './short-form.ts'

const WORLD: RuleWorld = {
  uidOf: () => undefined,
  listText: () => undefined,
  programAt: (path) =>
    path === '/bin/tool'
      ? { path: '/usr/bin/tool' }
      : path === '/bin/script'
        ? { path: '/usr/bin/script', interpreter: '/usr/bin/python3' }
        : undefined,
  isPackage: (name) => name === 'curl',
}
const HASH = 'A'.repeat(64)

const read = (rules: string, world: RuleWorld = WORLD) => parseRules(`rules:\n${rules}`, 'rules.yaml', world)
const problemsOf = (rules: string, world?: RuleWorld): string =>
  read(rules, world).problems.map(describeProblem).join('\n')

function bookOf(rules: string) {
  const { book } = read(rules)
  if (!book) throw new Error(problemsOf(rules))
  return book
}

const facts = (
  program?: PacketFacts['program'],
  direction: PacketFacts['direction'] = 'outbound',
): PacketFacts => ({
  direction,
  protocol: 6,
  source: '192.0.2.1' as Ip,
  target: '198.51.100.7' as Ip,
  sourcePort: 50_000,
  targetPort: 443,
  state: 'new',
  at: 0,
  ...(program && { program }),
})

describe('reading', () => {
  test('a path is followed to the file that it leads to, a hash is in lowercase, a unit without ending is a service', () => {
    const book = bookOf(
      ` - { action: deny, direction: out, program: [/bin/tool, "/opt/*"], sha256: ${HASH}, unit: ssh, package: curl }`,
    )
    expect(book.rules[0]?.conditions.map((one) => 'values' in one && [one.kind, one.values])).toEqual([
      ['program', ['/usr/bin/tool', '/opt/*']],
      ['sha256', [HASH.toLowerCase()]],
      ['package', ['curl']],
      ['unit', ['ssh.service']],
    ])
  })

  test.each([
    ['program: curl', 'expected the path of a program, found the text "curl"'],
    ['program: curl', '*/curl'],
    ['sha256: abc', 'expected 64 hexadecimal digits'],
    ['package: "a b"', 'expected the name of a package'],
    ['unit: cron.timer', 'expected a service, scope or slice of systemd'],
    ['container: "a/b"', 'expected the name or id of a container'],
  ])('%s is an error that says so: %s', (condition, problem) => {
    expect(problemsOf(` - { action: deny, direction: out, ${condition} }`)).toContain(problem)
  })

  test.each([
    ['program: /bin/other', '/bin/other is not there now'],
    ['program: /bin/script', 'what runs is /usr/bin/python3'],
    ['package: nothing', 'no package nothing is installed'],
    ['container: web', 'packets of a container with a network of its own are forwarded'],
  ])('%s is taken, with a warning', (condition, problem) => {
    const rule = ` - { action: deny, direction: out, ${condition} }`
    expect(read(rule).book?.rules).toHaveLength(1)
    expect(problemsOf(rule)).toContain(problem)
  })

  test('what is forwarded has no program', () => {
    expect(read(' - { action: deny, direction: forward, unit: ssh }').book).toBeUndefined()
    expect(problemsOf(' - { action: deny, direction: [out, forward], unit: ssh }')).toContain(
      'Leave forward out',
    )
    expect(problemsOf(' - { action: deny, unit: ssh }')).toBe('')
  })

  test('established: judge goes badly with who listens', () => {
    const text = 'established: judge\nrules:\n - { action: allow, direction: in, unit: ssh }'
    expect(parseRules(text, 'rules.yaml', WORLD).problems.map(({ message }) => message)).toEqual([
      'with judge, rules that ask which program listens miss the third packet of each TCP connection',
    ])
    expect(parseRules(text.replace('in,', 'out,'), 'rules.yaml', WORLD).problems).toEqual([])
  })

  test('where the kernel cannot do it the file says why, unless the rule is switched off', () => {
    const world = { ...WORLD, whyNoPrograms: () => 'it has no eBPF' }
    const rule = (enabled: boolean) => ` - { action: deny, unit: ssh, enabled: ${enabled} }`
    expect(read(rule(true), world).book).toBeUndefined()
    expect(problemsOf(rule(true), world)).toContain(
      'the condition unit cannot be enforced here: it has no eBPF',
    )
    expect(read(rule(false), world).book?.rules).toHaveLength(1)
  })

  test('the short form has them too', () => {
    expect(parseShortForm('deny out program not /usr/bin/curl to 203.0.113.9')).toEqual({
      rule: { action: 'deny', direction: 'outbound', program: { not: '/usr/bin/curl' }, to: '203.0.113.9' },
    })
    expect(parseShortForm('allow 22/tcp unit ssh')).toMatchObject({
      rule: { unit: 'ssh', direction: 'inbound' },
    })
  })
})

describe('judging', () => {
  const book = bookOf(` - { action: deny, direction: [in, out], program: /usr/bin/tool, unit: { not: ssh } }`)
  const tool = { paths: ['/usr/bin/tool'], units: [] }

  test.each([
    ['it is the program', facts(tool), 'deny'],
    ['it listens', facts(tool, 'inbound'), 'deny'],
    ['it is another one', facts({ ...tool, paths: ['/usr/bin/other'] }), 'allow'],
    ['it runs in the unit', facts({ ...tool, units: ['ssh.service'] }), 'allow'],
    ['nobody knows the program', facts(), 'allow'],
    ['nobody knows where it runs: not is no guess', facts({ paths: tool.paths }), 'allow'],
    ['it is forwarded', facts(tool, 'forward'), 'allow'],
  ])('%s', (_why, packet, action) => expect(judge(book, packet).action).toBe(action))

  test('explained by each condition, and what would turn it round', () => {
    const { steps, flip } = explain(book, facts({ paths: ['/usr/bin/other'], units: [] }))
    const own = steps.find(({ number }) => number === 1)
    expect(own?.conditions).toEqual([
      { text: 'direction inbound or outbound', holds: true },
      { text: 'program /usr/bin/tool', holds: false },
      { text: 'not unit ssh', holds: true },
    ])
    expect(flip).toBe('It would be denied if this held of rule 1: program /usr/bin/tool.')
  })

  test('a rule behind one that asks for more programs is shadowed', () => {
    const rules = ` - { action: deny, direction: out, program: [/usr/bin/a, /usr/bin/b] }\n - { action: allow, direction: out, program: /usr/bin/a }`
    expect(check(bookOf(rules), 0)).toMatchObject([{ number: 2, kind: 'shadowed', by: 1 }])
  })
})

test('compiled to a look-up of the class: the same question is one set, turned round another', () => {
  const rules = [
    ' - { action: deny, direction: [in, out], program: /usr/bin/a, port: 1 }',
    ' - { action: deny, direction: [out, forward], program: /usr/bin/a, port: 2 }',
    ' - { action: deny, direction: out, program: { not: /usr/bin/a }, port: 3 }',
  ].join('\n')
  const { classes, chains } = compile(bookOf(rules), 0)
  const question = { kind: 'program', values: ['/usr/bin/a'] }
  expect(classes).toEqual([
    { name: 'programs1', question, isTrue: true },
    { name: 'programs2', question, isTrue: false },
  ])
  const stepsOf = (direction: 'inbound' | 'outbound' | 'forward') =>
    chains[direction]
      .filter(({ id }) => id.startsWith('rule-'))
      .map(({ steps }) => steps.find(({ on }) => on.endsWith('er')))
  expect(stepsOf('inbound')).toEqual([{ on: 'receiver', set: 'programs1' }])
  expect(stepsOf('outbound')).toEqual([
    { on: 'sender', set: 'programs1' },
    { on: 'sender', set: 'programs1' },
    { on: 'sender', set: 'programs2' },
  ])
  expect(stepsOf('forward')).toEqual([])
})
