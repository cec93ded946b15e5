import { expect, test } from 'vitest'
import type { ListEnforcer } from '#enforce/lists.ts'
import { ip, type Target } from '#model/address.ts'
import type { BlockedList } from '#model/blocked-list.ts'
import type { Undated } from './gate.ts'
import { ListDoor, type ListOrder, refusalOfListed, refusalToUndo } from './list-door.ts'

const NOW = Date.UTC(2026, 10, 20)
const PEER = ip('198.51.100.7')
const EMPTY = { starts: [new Uint32Array()], bits: new Uint8Array(), facts: {} }
const order = (id: string): ListOrder => ({
  id,
  title: 'List X',
  entries: 3,
  rows: { ipv4: { ...EMPTY }, ipv6: { ...EMPTY } },
})

function door({ refuses = false, allowed = [] as Target[] } = {}) {
  let held: readonly BlockedList[] = []
  const spared: (readonly Target[])[] = []
  const noted: Undated[] = []
  const enforcer: ListEnforcer = {
    hold: async (lists) => {
      held = refuses ? [] : lists
      return !refuses
    },
    spare: (targets) => void spared.push(targets),
    isHeld: (list) => held.some(({ id, rows }) => id === list.id && rows === list.rows),
    drops: () => new Map(),
    takeCalled: () => [],
    verify: () => {},
    health: undefined,
    stop: async () => {},
  }
  const opened = new ListDoor({
    enforcer,
    allowed: () => allowed,
    spares: (target) => (allowed.includes(target) ? { target, source: 'person', note: 'mine' } : undefined),
    note(undated) {
      noted.push(undated)
      return { decision: { id: noted.length, at: NOW, ...undated }, recorded: Promise.resolve() }
    },
    now: () => NOW,
  })
  return { door: opened, spared, noted, allowed }
}

const find = () => [{ list: 'x', matched: '198.51.100.0/24', since: NOW, reason: 'QakBot' }]

test('each version that the kernel took is one decision, and so is letting go of a list', async () => {
  const { door: opened, noted } = door()
  const first = order('x')
  await opened.hold([first], find, [])
  await opened.hold([first], find, [])
  await opened.hold([order('x')], find, [])
  await opened.hold([], find, [])
  expect(noted.map(({ kind, target, actor }) => [kind, target, actor])).toEqual([
    ['load', 'list x', 'gatehouse'],
    ['load', 'list x', 'gatehouse'],
    ['unload', 'list x', 'gatehouse'],
  ])
})

test('says of an address which list turns it away, unless it is allowed or ignored, or the kernel refused', async () => {
  const { door: opened } = door()
  await opened.hold([order('x')], find, [])
  expect(opened.blockOf(PEER)).toEqual({
    target: '198.51.100.0/24',
    origin: 'feed',
    actor: 'list x',
    reason: 'on List X: QakBot',
    since: NOW,
    decisionId: 1,
  })
  expect(refusalOfListed(PEER, opened.blockOf(PEER) as never).message).toBe(
    '198.51.100.7 is turned away by a list: it is on List X: QakBot.',
  )
  await opened.hold([order('x')], find, ['198.51.100.0/25' as Target])
  expect(opened.blockOf(PEER)).toBeUndefined()
  const allowing = door({ allowed: [PEER] }).door
  await allowing.hold([order('x')], find, [])
  expect(allowing.blockOf(PEER)).toBeUndefined()
  const refused = door({ refuses: true })
  await refused.door.hold([order('x')], find, [])
  expect([refused.door.blockOf(PEER), refused.noted]).toEqual([undefined, []])
})

test('puts the allow list ahead of the lists as it changes, and only then', async () => {
  const { door: opened, spared, allowed } = door({ allowed: [PEER] })
  await opened.hold([order('x')], find, ['203.0.113.0/24' as Target])
  opened.tick()
  allowed.push(ip('192.0.2.1'))
  opened.tick()
  opened.tick()
  expect(spared).toEqual([
    [PEER, '203.0.113.0/24'],
    ['192.0.2.1', PEER, '203.0.113.0/24'],
  ])
})

test.each([
  ['load', 'gatehouse feeds on x --action alert'],
  ['unload', 'gatehouse feeds on x --action block'],
] as const)('a decision to %s a list is undone at the list', (kind, how) => {
  const decision = { id: 7, at: NOW, kind, target: 'list x' as Target, actor: 'gatehouse', reason: '' }
  const refused = refusalToUndo(decision)
  expect([refused.message, refused.hint]).toEqual([
    expect.stringContaining('Decision 7 is undone at its list: x is'),
    `To change that: ${how}`,
  ])
})
