import { describe, expect, test } from 'vitest'
import type { Ip } from '#model/address.ts'
import type { Owner } from '#model/owner.ts'
import type { PacketFacts } from '#model/rule.ts'
import { compile } from './compile.ts'
import { judge } from './judge.ts'
import { parseRules } from './parse.ts'
import { describeProblem } from './rule-reader.ts'
import { parseShortForm } from './short-form.ts'

const WORLD = { uidOf: () => undefined, listText: () => undefined }

const read = (rule: string) =>
  parseRules(`rules:\n - { action: deny, direction: out, ${rule} }`, 'rules.yaml', WORLD)
const problemsOf = (rule: string): string => read(rule).problems.map(describeProblem).join('\n')

function bookOf(rule: string) {
  const { book } = read(rule)
  if (!book) throw new Error(problemsOf(rule))
  return book
}

const facts = (known?: Pick<Owner, 'source' | 'confidence'>): PacketFacts => ({
  direction: 'outbound',
  protocol: 6,
  source: '192.0.2.1' as Ip,
  target: '198.51.100.7' as Ip,
  sourcePort: 50_000,
  targetPort: 443,
  state: 'new',
  at: 0,
  program: { paths: ['/usr/bin/curl'], ...(known && { known }) },
})

const denies = (rule: string, known?: Pick<Owner, 'source' | 'confidence'>): boolean =>
  judge(bookOf(rule), facts(known)).action === 'deny'

describe('how sure a program must be', () => {
  test.each([
    ['confidence: 0.9', { source: 'ebpf', confidence: 1 }, true],
    ['confidence: 0.9', { source: 'ebpf', confidence: 0.9 }, true],
    ['confidence: ">= 95%"', { source: 'kernel', confidence: 0.9 }, false],
    ['confidence: 0.9', { source: 'guess', confidence: 0.5 }, false],
    ['confidence: 0.9', { source: 'scan' }, false],
    ['owner: ebpf', { source: 'ebpf' }, true],
    ['owner: [ebpf, scan]', { source: 'scan', confidence: 0.95 }, true],
    ['owner: ebpf', { source: 'netlink', confidence: 0.95 }, false],
    // As the kernel sees it: for sure.
    ['owner: ebpf, confidence: 1', undefined, true],
  ] as const)('%s of %j: %s', (condition, known, isMet) => {
    expect(denies(`program: /usr/bin/curl, ${condition}`, known)).toBe(isMet)
  })

  test('of another program, of nobody and of what is forwarded it is met neither way', () => {
    const book = bookOf('program: /usr/bin/wget, confidence: 0')
    expect(judge(book, facts({ source: 'ebpf', confidence: 1 })).action).not.toBe('deny')
    const { program: _, ...nobodys } = facts()
    expect(judge(bookOf('program: "*", confidence: 0'), nobodys).action).not.toBe('deny')
  })

  test('the kernel compares nothing for it', () => {
    const compiled = (rule: string) => compile(bookOf(rule), 0).chains.outbound
    expect(compiled('program: /usr/bin/curl, owner: ebpf, confidence: 0.9')).toEqual(
      compiled('program: /usr/bin/curl'),
    )
  })

  test('what could be met by nothing in the kernel is refused, with what to write instead', () => {
    expect(problemsOf('confidence: 0.9')).toMatch(/confidence alone.*program, sha256/)
    expect(problemsOf('program: /bin/x, owner: [scan, guess]')).toMatch(/eBPF alone.*Add ebpf/)
    expect(problemsOf('program: /bin/x, confidence: { not: 0.9 }')).toMatch(/less sure of.*confidence:<0.9/)
    expect(problemsOf('program: /bin/x, confidence: 2')).toMatch(
      /a share from 0 to 1, found 2.*0\.9 or "90%"/,
    )
    expect(problemsOf('program: /bin/x, owner: epbf')).toMatch(/Did you mean ebpf/)
  })

  test('what is accepted says where it counts', () => {
    expect(problemsOf('program: /bin/x, confidence: 0.9')).toMatch(/always sure.*changed rule ends, simulate/)
  })

  test('the short form has words for it', () => {
    expect(parseShortForm('deny out program /usr/bin/curl owner ebpf confidence 90%')).toMatchObject({
      rule: { program: '/usr/bin/curl', owner: 'ebpf', confidence: '90%' },
    })
  })
})
