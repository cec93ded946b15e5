import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createDryRunEnforcer } from '#enforce/dry-run.ts'
import { ip, parseTarget, type Target } from '#model/address.ts'
import type { Decision } from '#model/decision.ts'
import { storeSettings } from '#store/settings.ts'
import type { Store } from '#store/store.ts'
import { openStore } from '#store/thread.ts'
import { createAllowBook } from './allow-book.ts'
import { type BlockOrder, Gate } from './gate.ts'

const ATTACKER = ip('203.0.113.9')
const enforcer = createDryRunEnforcer({ reason: 'a trial', remedy: 'none needed' })
let folder: string
let store: Store
let clock = 1_000_000
let told: Decision[]

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'gatehouse-gate-'))
  store = await openStore({ folder, settings: storeSettings.parse({}), now: () => clock })
  clock = 1_000_000
  told = []
})

afterEach(async () => {
  await store.close()
  rmSync(folder, { recursive: true })
})

const gateWith = (allowed: readonly string[] = []): Gate => {
  const allow = createAllowBook(
    allowed.map((text) => ({ target: target(text), source: 'config', note: `${text} is in the config` })),
    [],
  )
  return new Gate({
    enforcer,
    store,
    spares: allow.spares,
    now: () => clock,
    changed: (decision) => told.push(decision),
  })
}

const order = (about: Partial<BlockOrder> = {}): BlockOrder => ({
  target: ATTACKER,
  seconds: 600,
  origin: 'detector',
  actor: 'port-scan',
  reason: 'tried 6 ports',
  ...about,
})

function target(text: string): Target {
  const parsed = parseTarget(text)
  if (!parsed) throw new Error(text)
  return parsed
}

test('a block is in the book, on disk, and told', async () => {
  const gate = gateWith()
  const answer = gate.block(order())
  await answer.recorded

  expect(gate.blockOf(ATTACKER)).toMatchObject({ reason: 'tried 6 ports', until: 1_600_000 })
  expect((await store.decisions({ limit: 9 })).items).toMatchObject([
    { kind: 'block', target: ATTACKER, forSeconds: 600 },
  ])
  expect(told).toMatchObject([{ kind: 'block' }])
})

test('the allow list wins over everybody, and the decision says which entry', () => {
  const gate = gateWith(['203.0.113.0/24'])
  const answer = gate.block(order({ origin: 'person', actor: 'anna' }))

  expect(answer).toMatchObject({ state: 'spared', by: { target: '203.0.113.0/24' } })
  expect(gate.count).toBe(0)
  expect(told).toMatchObject([
    { kind: 'spare', reason: 'not blocked (tried 6 ports): 203.0.113.0/24 is in the config' },
  ])
})

test('a range that covers an allowed address is refused', () => {
  expect(gateWith(['203.0.113.7']).block(order({ target: target('203.0.113.0/24') })).state).toBe('spared')
})

test('a blocked range turns away each of its addresses', () => {
  const gate = gateWith()
  gate.block(order({ target: target('2001:db8:1::/48') }))
  expect(gate.blockOf(ip('2001:db8:1::7'))?.target).toBe('2001:db8:1::/48')
  expect(gate.blockOf(ip('2001:db8:2::7'))).toBeUndefined()
})

test('a block ends when its time is over, and not before', () => {
  const gate = gateWith()
  gate.block(order({ seconds: 10 }))
  clock += 9_999
  gate.tick()
  expect(gate.count).toBe(1)
  clock += 1
  gate.tick()
  expect(gate.count).toBe(0)
  expect(told.at(-1)).toMatchObject({ kind: 'expire', undoes: 1 })
})

test('a block without seconds stays', () => {
  const gate = gateWith()
  gate.block({ target: ATTACKER, origin: 'person', actor: 'anna', reason: 'no' })
  clock += 1e12
  gate.tick()
  expect(gate.blocks()).toMatchObject([{ target: ATTACKER, actor: 'anna' }])
})

test('unblocking what is not blocked answers nothing and records nothing', () => {
  expect(gateWith().unblock(ATTACKER, { actor: 'anna', reason: 'mistake' })).toBeUndefined()
  expect(told).toEqual([])
})

test('a new allow entry takes back the blocks that it forbids', () => {
  const gate = gateWith()
  gate.block(order())
  gate.block(order({ target: ip('198.51.100.1') }))
  gate.release({ target: target('203.0.113.0/24'), source: 'session', note: 'login session of anna' })
  expect(gate.blocks().map((block) => block.target)).toEqual(['198.51.100.1'])
})

test('a person who allows somebody that a detector blocked takes that block back: the decision bears his name', () => {
  const gate = gateWith()
  gate.block(order())
  gate.release({ target: ATTACKER, source: 'person', note: 'ours' }, 'anna')
  expect(told.at(-1)).toMatchObject({ kind: 'unblock', target: ATTACKER, actor: 'anna' })
})

test('what was remembered is blocked again, and what only the kernel held is adopted with its reason', async () => {
  await gateWith().block(order()).recorded
  await store.close()
  store = await openStore({ folder, settings: storeSettings.parse({}), now: () => clock })
  const gate = gateWith()
  gate.adopt([
    { target: ATTACKER, until: 1_600_000, note: 'port-scan: tried 6 ports' },
    { target: ip('198.51.100.1'), until: 1_700_000, note: 'host-sweep: tried 40 hosts' },
  ])

  expect(gate.blocks().map(({ target: named, origin, reason }) => [named, origin, reason])).toEqual(
    expect.arrayContaining([
      [ATTACKER, 'detector', 'tried 6 ports'],
      ['198.51.100.1', 'kernel', 'host-sweep: tried 40 hosts'],
    ]),
  )
  expect(told.slice(1)).toMatchObject([{ id: 2, kind: 'adopt', target: '198.51.100.1' }])
})

test('a remembered block that the allow list names now is not put back', async () => {
  await gateWith().block(order()).recorded
  await store.close()
  store = await openStore({ folder, settings: storeSettings.parse({}), now: () => clock })
  const gate = gateWith(['203.0.113.9'])
  gate.adopt([])
  expect(gate.count).toBe(0)
  expect(told.slice(1)).toMatchObject([{ kind: 'unblock', reason: 'the allow list names it now' }])
})
