import { expect, test } from 'vitest'
import type { Reputation } from '#contract/reputation.ts'
import { ip } from '#model/address.ts'
import type { Alert } from '#model/alert.ts'
import type { Block } from '#model/block.ts'
import type { Connection } from '#model/flow.ts'
import type { Owner } from '#model/owner.ts'
import { aConnection } from '../../test/support/connections.ts'
import { createAlertBook } from './alert-book.ts'
import type { BlockOrder } from './gate.ts'
import { createReputationWatch, type ReputationWatchParts } from './reputation-watch.ts'

const NOW = Date.UTC(2026, 10, 20)
const PEER = ip('198.51.100.7')
const OWNER = { pid: 7, path: '/tmp/foo', name: 'foo', uid: 0, source: 'ebpf' } as Owner
const to = (more: Partial<Connection> = {}): Connection =>
  aConnection({ target: PEER, owner: OWNER, listed: ['x'], seenAt: NOW, ...more })

function watch(score: number, change: Partial<ReputationWatchParts> & { readonly spared?: boolean } = {}) {
  const told: Alert[] = []
  const orders: BlockOrder[] = []
  const reputed: [string, number][] = []
  let now = NOW
  let looks = 0
  const factors = [{ kind: 'list' as const, sentence: 'on List X', points: score }]
  const reputation = (of: Reputation['of'], subject: string): Reputation => {
    looks++
    return { of, subject, score, sentence: '', factors }
  }
  const decision = { id: 1, at: NOW, kind: 'block', target: PEER, actor: '', reason: '' } as const
  const opened = createReputationWatch({
    desk: {
      ofAddress: async (address) => reputation('address', address),
      ofOwner: async ({ path }) => reputation('program', path),
    },
    settings: { alertFrom: 80 },
    blockSeconds: 600,
    isKnown: ({ listed }) => listed !== undefined,
    isTold: () => false,
    alerts: createAlertBook([], 0),
    gate: {
      blockOf: () => undefined,
      block(order) {
        orders.push(order)
        const answer = { decision, recorded: Promise.resolve() }
        if (change.spared)
          return { state: 'spared', by: { target: PEER, source: 'dns', note: 'it is DNS' }, ...answer }
        return {
          state: 'blocked',
          block: { ...order, since: NOW, decisionId: 1 } as Block,
          enforced: true,
          ...answer,
        }
      },
    },
    store: { recordAlert: async () => {} },
    closeSockets: () => 0,
    reputed: (address, known) => void reputed.push([address, known]),
    told: (alert) => told.push(alert),
    now: () => now,
    ...change,
  })
  const see = async (...connections: Connection[]): Promise<void> => {
    opened.see(connections)
    await new Promise(setImmediate)
  }
  return { ...opened, see, told, orders, reputed, looks: () => looks, later: (ms: number) => (now += ms) }
}

test('a peer of bad reputation is told with its reasons, and not blocked without the setting', async () => {
  const { see, told, orders } = watch(85)
  await see(to(), to())
  expect(told).toHaveLength(1)
  expect(told[0]).toMatchObject({
    ...{ detector: 'intel', kind: 'reputation', severity: 'medium', subject: PEER },
    because: 'intel.reputation.alertFrom = 80',
    summary: 'foo connected to 198.51.100.7; the reputation of 198.51.100.7 is 85 of 100: on List X',
    response: 'Recorded only: intel.reputation.blockFrom is not reached, or not set',
  })
  expect(orders).toEqual([])
})

test.each([79, 40])('one of %d is not', async (score) => {
  const { see, told, looks } = watch(score)
  await see(to())
  expect([told, looks()]).toEqual([[], 1])
})

test('from the set score on a peer is blocked through the gate, whose allow list wins', async () => {
  const settings = { alertFrom: 80, blockFrom: 90 }
  const { see, told, orders } = watch(95, { settings })
  await see(to())
  expect(orders).toMatchObject([
    { target: PEER, seconds: 600, origin: 'feed', actor: 'reputation', alertId: 1 },
  ])
  expect(told[0]?.response).toBe(
    'Blocked for 10 min: intel.reputation.blockFrom = 90, and its reputation is 95',
  )
  const below = watch(89, { settings })
  await below.see(to())
  expect(below.orders).toEqual([])
  const spared = watch(95, { settings, spared: true })
  await spared.see(to())
  expect(spared.told[0]?.response).toBe('Not blocked: it is DNS')
})

test('who only knocked may be anybody, and is not blocked', async () => {
  const { see, orders, told } = watch(95, { settings: { alertFrom: 80, blockFrom: 90 } })
  await see(to({ direction: 'inbound', peer: PEER, state: 'syn-sent' }))
  expect([orders, told[0]?.spoofable]).toEqual([[], true])
})

test('what a list tells by itself is not told twice', async () => {
  const { see, told } = watch(95, { isTold: () => true })
  await see(to())
  expect(told).toEqual([])
})

test('a peer that nobody outside knows is not looked at, and a known one once in ten minutes', async () => {
  const { see, looks, later } = watch(50)
  const { listed: _, ...unknown } = to()
  await see(unknown, to())
  await see(to())
  expect(looks()).toBe(1)
  later(600_000)
  await see(to())
  expect(looks()).toBe(2)
})

test('a program of bad reputation is told, and how to stop it', async () => {
  const { reconsider, told, orders } = watch(95, { settings: { alertFrom: 80, blockFrom: 90 } })
  await reconsider(to(), 'program')
  expect(told[0]).toMatchObject({
    severity: 'high',
    response: 'Recorded only: a program is only stopped by you: gatehouse watchdog add /tmp/foo',
  })
  expect(told[0]?.summary).toContain('the reputation of /tmp/foo is 95 of 100')
  expect(orders).toEqual([])
})

test('rules hear how bad a peer is known to be, and who was caught, once a minute', async () => {
  const { see, accused, reputed, later } = watch(40)
  await see(to())
  await accused(PEER)
  await accused(PEER)
  later(60_000)
  await accused(PEER)
  expect(reputed).toEqual([
    [PEER, 40],
    [PEER, 40],
    [PEER, 40],
  ])
})
