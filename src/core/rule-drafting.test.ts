import { expect, test } from 'vitest'
import { RulesRead, type RulesStanding } from '#contract/rule-drafting.ts'
import type { PendingRules } from '#contract/rules.ts'
import { parseRules } from '#policy/rules/parse.ts'
import { createRuleDrafting, type DraftedDesk } from './rule-drafting.ts'

const TEXT = `# ours
defaults: { inbound: deny }
lists:
  office: [192.0.2.0/24]
rules:
  # the office
  - allow ssh from office
  - { id: shop, action: allow, direction: inbound, protocol: tcp, port: 443, comment: the shop }
`
const pending: PendingRules = { id: 'a', actor: 'anna', since: 1, until: 60_001, text: '' }

function drafting() {
  const packets = new Map<string, number>()
  const standing: { text: string; draft: string | undefined; pending: PendingRules | undefined } = {
    text: TEXT,
    draft: undefined,
    pending: undefined,
  }
  const check = (text: string) => {
    const { book, problems } = read(text)
    return { isValid: book !== undefined, problems, remarks: [], cuts: [] }
  }
  const read = (text: string) =>
    parseRules(text, 'rules.yaml', { uidOf: () => undefined, listText: () => undefined })
  const desk: DraftedDesk = {
    get standing() {
      return { ...standing }
    },
    check,
    draft(text) {
      standing.draft = text
      return check(text)
    },
    read,
    state: () => ({ rules: [...packets].map(([id, count]) => ({ id, packets: count })) }),
  }
  const told: RulesStanding[] = []
  const clock = { now: 1_000 }
  const made = createRuleDrafting({ desk, now: () => clock.now, told: (one) => told.push(one) })
  return { ...made, standingOf: standing, told, clock, packets }
}

test('a text is read rule by rule: the keys, one line for people, the comment', () => {
  const read = drafting().read(TEXT)
  expect(RulesRead.parse(read)).toEqual(read)
  expect(read.defaults).toEqual({ inbound: 'deny', outbound: 'allow', forward: 'allow' })
  expect(read.lists).toEqual(['office'])
  expect(read.rules).toMatchObject([
    { number: 1, id: 'rule-1', isShort: true, action: 'allow', keys: { port: 'ssh', from: 'office' } },
    {
      number: 2,
      id: 'shop',
      isShort: false,
      text: 'allow inbound protocol tcp port 443',
      comment: 'the shop',
    },
  ])
})

test('a text that is no good is still shown rule by rule, with what is wrong', () => {
  const { rules, check } = drafting().read(
    'rules:\n  - allow ssh frm office\n  - { action: deny, port: many }\n',
  )
  expect(check.isValid).toBe(false)
  expect(rules.map(({ text }) => text)).toEqual(['allow ssh frm office', '{"action":"deny","port":"many"}'])
  expect(drafting().read('rules: {').rules).toEqual([])
})

test('edits become the draft, one upon the other, and comments move with their rules', () => {
  const { edit, standingOf, standing } = drafting()
  edit({ edits: [{ kind: 'remove', number: 1 }], dryRun: true })
  expect(standing().hasDraft).toBe(false)
  edit({ edits: [{ kind: 'move', number: 1, to: 2 }] })
  const { rules, text } = edit({ edits: [{ kind: 'add', rule: 'deny 23/tcp' }] })
  expect(rules.map(({ id }) => id)).toEqual(['shop', 'rule-2', 'rule-3'])
  expect(text).toContain('  # the office\n  - allow ssh from office\n  - deny 23/tcp\n')
  expect(standingOf.draft).toBe(text)
  expect(standing().hasDraft).toBe(true)
  expect(() => edit({ edits: [{ kind: 'remove', number: 9 }] })).toThrow('There is no such rule any more.')
  standingOf.draft = 'rules: {'
  expect(() => edit({ edits: [{ kind: 'remove', number: 1 }] })).toThrow(/The draft cannot be read/)
})

test('whoever changes anything, it is told once, without the text', () => {
  const { look, told, standingOf } = drafting()
  look()
  expect(told).toEqual([])
  standingOf.pending = pending
  look()
  look()
  const { text: _, ...withoutText } = pending
  expect(told).toEqual([{ isEnforced: true, revision: 2, hasDraft: false, pending: withoutText }])
  standingOf.pending = undefined
  look()
  expect(told.at(-1)).toEqual({ isEnforced: true, revision: 3, hasDraft: false })
})

test('remembers when the counter of a rule grew last', () => {
  const { look, use, clock, packets } = drafting()
  packets.set('shop', 3)
  packets.set('idle', 0)
  look()
  expect(use()).toEqual({ since: 1_000, used: [{ id: 'shop', lastAt: 1_000 }] })
  clock.now = 60_000
  look()
  expect(use().used).toEqual([{ id: 'shop', lastAt: 1_000 }])
  clock.now = 120_000
  packets.set('shop', 4)
  packets.set('idle', 1)
  look()
  expect(use().used).toEqual([
    { id: 'shop', lastAt: 120_000 },
    { id: 'idle', lastAt: 120_000 },
  ])
})
