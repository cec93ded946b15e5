import { expect, test } from 'vitest'
import { createSessions } from './sessions.ts'

const root = { name: 'root', role: 'admin' as const }
const limits = { idleMs: 100, absoluteMs: 1_000, count: 2 }

test('a session lasts while it is used, and no longer than its whole time', () => {
  const sessions = createSessions(limits)
  const cookie = sessions.open(root, 'link', 0)
  for (let now = 90; now < 1_000; now += 90) expect(sessions.find(cookie, now)).toMatchObject(root)
  expect(sessions.find(cookie, 1_000)).toBeUndefined()
})

test('a session that nobody uses ends', () => {
  const sessions = createSessions(limits)
  const cookie = sessions.open(root, 'link', 0)
  expect(sessions.find(cookie, 100)).toBeUndefined()
  expect(sessions.find(cookie, 50)).toMatchObject(root)
})

test('the number is bounded: the quietest makes room', () => {
  const sessions = createSessions(limits)
  const first = sessions.open(root, 'link', 0)
  const second = sessions.open(root, 'link', 1)
  sessions.find(first, 2)
  const third = sessions.open(root, 'link', 3)
  expect([first, second, third].map((cookie) => sessions.find(cookie, 4) !== undefined)).toEqual([
    true,
    false,
    true,
  ])
})

test('signing out ends one; a new password ends those that the old one opened', () => {
  const sessions = createSessions({ ...limits, count: 9 })
  const [byLink, byPassword, gone] = [
    sessions.open(root, 'link', 0),
    sessions.open(root, 'password', 0),
    sessions.open(root, 'link', 0),
  ]
  sessions.end(gone)
  sessions.endOfPassword()
  expect([byLink, byPassword, gone].map((cookie) => sessions.find(cookie, 1) !== undefined)).toEqual([
    true,
    false,
    false,
  ])
  expect(sessions.find(undefined, 1)).toBeUndefined()
})
