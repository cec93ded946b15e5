import { beforeEach, expect, test } from 'vitest'
import { createDryRunEnforcer } from '#enforce/dry-run.ts'
import { ip, parseTarget, type Target } from '#model/address.ts'
import type { AllowEntry } from '#model/allow.ts'
import { createAllowBook } from './allow-book.ts'
import { Gate } from './gate.ts'
import { createProtection, type Protection } from './protection.ts'

const ADMIN = ip('198.51.100.5')
const SESSION: AllowEntry = { target: ADMIN, source: 'session', note: 'login session of anna on pts/0' }
const RANGE = parseTarget('198.51.100.0/24') as Target

let here: AllowEntry[]
let closed: Target[]
let released: Target[]
let gate: Gate
let protection: Protection
let hasSockets: (target: Target) => boolean

beforeEach(() => {
  here = []
  closed = []
  released = []
  hasSockets = () => true
  const allow = createAllowBook([], [])
  protection = createProtection({
    ...{ allow, gate: () => gate, surroundings: () => here },
    closeSockets: (target, mayClose) => (hasSockets(target) && mayClose() ? closed.push(target) : 0),
    ...{ clock: () => performance.now(), released: (target) => released.push(target) },
  })
  gate = new Gate({
    enforcer: createDryRunEnforcer({ reason: 'a trial', remedy: 'none needed' }),
    store: {
      recordDecision: async () => {},
      remembered: { blocks: [], lastDecisionId: 0 } as never,
    },
    ...{ spares: allow.spares, look: protection.look, now: () => 1_000, changed() {} },
  })
})

const order = (target: Target, origin: 'person' | 'detector') =>
  ({ target, origin, actor: 'x', reason: 'a scan', seconds: 600 }) as const

test('a login that begins after a block frees its address, and the whole range that holds it', () => {
  gate.block(order(ADMIN, 'detector'))
  gate.block(order(RANGE, 'person'))
  here = [SESSION]
  protection.look()
  expect([gate.count, released]).toEqual([0, [ADMIN, RANGE]])
})

test('who logged in a moment before somebody forged a scan in his name keeps his connection', async () => {
  here = [SESSION]
  // No look yet: a detector is in a hurry.
  expect(gate.block(order(ADMIN, 'detector')).state).toBe('blocked')
  protection.closeSoon(ADMIN)
  protection.closeSoon(ip('203.0.113.9'))
  await expect.poll(() => closed).toEqual(['203.0.113.9'])
  expect([gate.count, released]).toEqual([0, [ADMIN]])
})

test('a person is refused who blocks somebody that logged in a moment ago', () => {
  here = [SESSION]
  expect(gate.block(order(RANGE, 'person'))).toMatchObject({ state: 'spared', by: SESSION })
  expect(protection.closeSockets(RANGE)).toBe(0)
  expect(closed).toEqual([])
})

test('where nothing is open nobody looks at the machine, which takes milliseconds', async () => {
  here = [SESSION]
  hasSockets = (target) => target === '203.0.113.9'
  gate.block(order(ADMIN, 'detector'))
  protection.closeSoon(ADMIN)
  expect(protection.closeSockets(ADMIN)).toBe(0)
  expect(released).toEqual([])
  protection.closeSoon(ip('203.0.113.9'))
  await expect.poll(() => closed).toEqual(['203.0.113.9'])
  expect(released).toEqual([ADMIN])
})
