import { expect, test } from 'vitest'
import { aConnection } from '../connections/a-connection.ts'
import { sorted, sumsOf, withPeriod } from './sums.ts'

const connections = [
  aConnection({
    id: 1,
    owner: 'curl',
    peer: '203.0.113.1',
    rateBackward: 10,
    bytesBackward: 500,
    openedAt: 5,
  }),
  aConnection({ id: 2, owner: 'curl', peer: '203.0.113.2', rateBackward: 20, bytesForward: 7, openedAt: 3 }),
  aConnection({ id: 3, owner: 'sshd', peer: '203.0.113.1', direction: 'inbound', bytesForward: 900 }),
  aConnection({ id: 4, peer: '203.0.113.4' }),
]
const isGone = (id: number) => id === 4

test('connections of a program add up, seen from this machine', () => {
  const sums = sumsOf(connections, 'program', isGone)
  expect([...sums.keys()]).toEqual(['/usr/bin/curl', '/usr/bin/sshd'])
  expect(sums.get('/usr/bin/curl')).toMatchObject({
    name: 'curl',
    connections: 2,
    down: 30,
    bytesIn: 600,
    bytesOut: 107,
    firstAt: 3,
    others: new Set(['203.0.113.1', '203.0.113.2']),
  })
  expect(sums.get('/usr/bin/sshd')).toMatchObject({ bytesIn: 900, bytesOut: 100 })
})

test('connections with a host add up, with the programs that talk to it', () => {
  const sums = sumsOf(connections, 'host', isGone)
  expect(sums.get('203.0.113.1')).toMatchObject({ connections: 2, others: new Set(['curl', 'sshd']) })
})

test('a period brings its own bytes and programs that are silent now, and forgets none that talk', () => {
  const item = { flows: 9, firstAt: 1, lastAt: 2 }
  const all = withPeriod(
    sumsOf(connections, 'program', isGone),
    [
      { ...item, key: '/usr/bin/wget', bytesIn: 5, bytesOut: 6 },
      { ...item, key: '/usr/bin/curl', bytesIn: 7000, bytesOut: 8000 },
    ],
    'program',
  )
  expect(all.map(({ name, connections: open, bytesIn, firstAt }) => [name, open, bytesIn, firstAt])).toEqual([
    ['wget', 0, 5, 1],
    ['curl', 2, 7000, 1],
    ['sshd', 1, 900, 1000],
  ])
})

test('equal sums keep the order of their names, whichever way they are sorted', () => {
  const sums = [...sumsOf(connections, 'program', isGone).values()]
  expect(sorted(sums, 'down', true).map(({ name }) => name)).toEqual(['curl', 'sshd'])
  expect(sorted(sums, 'up', true).map(({ name }) => name)).toEqual(['curl', 'sshd'])
  expect(sorted(sums, 'name', true).map(({ name }) => name)).toEqual(['sshd', 'curl'])
})

test('what was not captured, or not all of it, has the bytes that the kernel counted', () => {
  const counted = { bytesIn: 70, bytesOut: 8 }
  const at = { firstAt: 1, lastAt: 2 }
  const all = withPeriod(
    new Map(),
    [
      { ...at, key: '/usr/bin/wget', flows: 0, bytesIn: 0, bytesOut: 0, counted },
      { ...at, key: '/usr/bin/curl', flows: 2, bytesIn: 60, bytesOut: 5, counted },
      { ...at, key: '/usr/bin/ssh', flows: 2, bytesIn: 75, bytesOut: 9, counted },
    ],
    'program',
  )
  expect(all.map(({ name, bytesIn, bytesOut, counted: by }) => [name, bytesIn, bytesOut, by])).toEqual([
    ['wget', 70, 8, counted],
    ['curl', 70, 8, counted],
    ['ssh', 75, 9, counted],
  ])
})
