import { expect, test } from 'vitest'
import { createSessions } from './sessions.ts'
import type { KeptSession } from './spawn-contract.ts'

const root = { name: 'root', role: 'admin' as const }
const byLink = { ...root, by: 'link' as const, from: '127.0.0.1' }
const limits = { idleMs: 100, absoluteMs: 1_000, count: 2 }

test('a session lasts while it is used, and no longer than its whole time', () => {
  const sessions = createSessions({ limits })
  const cookie = sessions.open(byLink, 0)
  for (let now = 90; now < 1_000; now += 90) expect(sessions.find(cookie, now)).toMatchObject(root)
  expect(sessions.find(cookie, 1_000)).toBeUndefined()
})

test('a session that nobody uses ends', () => {
  const sessions = createSessions({ limits })
  const cookie = sessions.open(byLink, 0)
  expect(sessions.find(cookie, 100)).toBeUndefined()
  expect(sessions.find(cookie, 50)).toMatchObject(root)
})

test('the number is bounded: the quietest makes room', () => {
  const sessions = createSessions({ limits })
  const first = sessions.open(byLink, 0)
  const second = sessions.open(byLink, 1)
  sessions.find(first, 2)
  const third = sessions.open(byLink, 3)
  expect([first, second, third].map((cookie) => sessions.find(cookie, 4) !== undefined)).toEqual([
    true,
    false,
    true,
  ])
})

test('signing out ends one; whoever loses the account, its role or the password it came with is signed out', () => {
  const sessions = createSessions({ limits: { ...limits, count: 99 } })
  const anna = { name: 'anna', role: 'operator' as const, passwordHash: 'a', recovery: [] }
  const ben = { name: 'ben', role: 'viewer' as const, passwordHash: 'b', recovery: [] }
  const open = (name: string, by: 'link' | 'password'): string =>
    sessions.open({ name, role: 'viewer', by, from: '127.0.0.1' }, 0)
  const cookies = [open('anna', 'link'), open('anna', 'password'), open('ben', 'link'), open('root', 'link')]
  const isIn = (): boolean[] => cookies.map((cookie) => sessions.find(cookie, 1) !== undefined)

  sessions.accountsChanged([anna, ben], [anna, ben])
  expect(isIn()).toEqual([true, true, true, true])
  sessions.accountsChanged([anna, ben], [{ ...anna, passwordHash: 'other' }, ben])
  expect(isIn()).toEqual([true, false, true, true])
  sessions.accountsChanged([anna, ben], [{ ...anna, role: 'admin' }])
  expect(isIn()).toEqual([false, false, false, true])
  sessions.end(cookies[3] ?? '')
  expect(isIn()).toEqual([false, false, false, false])
  expect(sessions.find(undefined, 1)).toBeUndefined()
})

test('those who are signed in can be listed and ended, and no cookie is told', () => {
  const sessions = createSessions({ limits: { ...limits, count: 99 } })
  const [first, second] = [sessions.open(byLink, 0), sessions.open({ ...byLink, name: 'anna' }, 5)]
  const list = sessions.list(10)
  expect(list.map(({ name, from, signedInAt }) => [name, from, signedInAt])).toEqual([
    ['root', '127.0.0.1', 0],
    ['anna', '127.0.0.1', 5],
  ])
  expect(JSON.stringify(list)).not.toContain(first)
  sessions.endById(list[0]?.id ?? '')
  expect([first, second].map((cookie) => sessions.find(cookie, 11) !== undefined)).toEqual([false, true])
  expect(sessions.list(5_000)).toEqual([])
})

test('a proof is fresh at the sign-in, and again when it is given again', () => {
  const sessions = createSessions({ limits })
  const cookie = sessions.open(byLink, 7)
  expect(sessions.find(cookie, 50)?.provenAt).toBe(7)
  sessions.prove(cookie, 60)
  expect(sessions.find(cookie, 70)?.provenAt).toBe(60)
})

test('another run goes on with the sessions of the one before: those that still are', () => {
  let told: readonly KeptSession[] = []
  const changed = (sessions: readonly KeptSession[]): void => {
    told = sessions
  }
  const before = createSessions({ limits: { ...limits, count: 99 }, changed })
  const cookies = [0, 5, 10].map((now) => before.open({ ...byLink, name: `n${now}` }, now))
  before.end(cookies[1] ?? '')
  before.prove(cookies[2] ?? '', 20)
  for (const cookie of cookies) expect(JSON.stringify(told)).not.toContain(cookie)

  const after = createSessions({ limits, kept: told })
  expect(cookies.map((cookie) => after.find(cookie, 50)?.name)).toEqual(['n0', undefined, 'n10'])
  expect(after.find(cookies[2], 60)?.provenAt).toBe(20)
  expect(createSessions({ limits, kept: told }).find(cookies[0], 100)).toBeUndefined()
})

test('who keeps the sessions hears of each sign-in at once, and now and then that one is in use', () => {
  const told: number[] = []
  const sessions = createSessions({ changed: ([session]) => told.push(session?.seenAt ?? -1) })
  const cookie = sessions.open(byLink, 0)
  for (let now = 1_000; now <= 121_000; now += 1_000) sessions.find(cookie, now)
  expect(told).toEqual([0, 1_000, 61_000, 121_000])
})
