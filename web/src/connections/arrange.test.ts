import { expect, test } from 'vitest'
import type { Connection } from '../../../src/contract/schemas.ts'
import { aConnection } from './a-connection.ts'
import { type Arrangement, arrange } from './arrange.ts'
import { Places } from './order.ts'

const connections = [
  aConnection({ id: 1, owner: 'curl', peer: '203.0.113.1', rateBackward: 10 }),
  aConnection({ id: 2, owner: 'curl', peer: '203.0.113.1', rateBackward: 20 }),
  aConnection({ id: 3, owner: 'curl', peer: '203.0.113.2', rateBackward: 500, verdict: 'blocked' }),
  aConnection({ id: 4, owner: 'sshd', peer: '203.0.113.3', direction: 'inbound', rateForward: 900 }),
  aConnection({ id: 5, peer: '203.0.113.4' }),
]

function list(about: Partial<Arrangement> = {}, of: readonly Connection[] = connections) {
  const places = new Places()
  return arrange(of, {
    view: 'program',
    order: { sort: 'down', isDescending: true, isHeld: false, places },
    isIn: () => true,
    isGone: () => false,
    isBlocked: ({ verdict }) => verdict === 'blocked',
    isOpen: () => true,
    ...about,
  })
}

const outline = (rows: readonly { level: number; title: string }[]): string[] =>
  rows.map(({ level, title }) => `${' '.repeat(level - 1)}${title}`)

test('programs hold their hosts, and those their flows, busiest first', () => {
  const { rows, flows } = list()
  expect(flows).toBe(5)
  expect(outline(rows)).toEqual([
    'sshd',
    ' 203.0.113.3',
    '  203.0.113.3',
    'curl',
    ' 203.0.113.2',
    '  203.0.113.2',
    ' 203.0.113.1',
    '  203.0.113.1',
    '  203.0.113.1',
    'Unknown program',
    ' 203.0.113.4',
    '  203.0.113.4',
  ])
})

test('a group sums what is below it', () => {
  const curl = list().rows.find(({ title }) => title === 'curl')
  expect(curl).toMatchObject({ down: 530, bytes: 600, blocked: 1, kind: 'program' })
})

test('closed groups hide what is in them, and the flat view has only flows', () => {
  expect(outline(list({ isOpen: () => false }).rows)).toEqual(['sshd', 'curl', 'Unknown program'])
  expect(list({ view: 'flat' }).rows.map(({ key }) => key)).toEqual(['f:4', 'f:3', 'f:2', 'f:1', 'f:5'])
  expect(list({ view: 'host', isOpen: () => false }).rows).toHaveLength(4)
})

test('while the order is held, rows stay where they stood and new ones come last', () => {
  const places = new Places()
  const order = { sort: 'down', isDescending: true, isHeld: false, places } as const
  places.keep(list({ view: 'flat', order }).roots)
  const later = [
    aConnection({ id: 6, rateBackward: 9999 }),
    ...connections.map((connection) => ({ ...connection, rateBackward: connection.id * 1000 })),
  ]
  const held = list({ view: 'flat', order: { ...order, isHeld: true } }, later)
  expect(held.rows.map(({ key }) => key)).toEqual(['f:4', 'f:3', 'f:2', 'f:1', 'f:5', 'f:6'])
})

test('a number that changes a little does not move its row', () => {
  const places = new Places()
  expect([100, 105, 95, 104].map((value) => places.steady('row', value))).toEqual([100, 100, 100, 100])
  expect(places.steady('row', 1000)).toBeGreaterThan(200)
})

test('a flow that is over counts no traffic', () => {
  const [sshd] = list({ isGone: ({ id }) => id === 4 }).rows.filter(({ title }) => title === 'sshd')
  expect(sshd).toMatchObject({ isGone: true, down: 0 })
})
