import { expect, test } from 'vitest'
import { aConnection } from '../../test/support/connections.ts'
import { createLiveConnections } from './live-connections.ts'

test('a rate is what came since the last report, per second', () => {
  const live = createLiveConnections()
  live.see([aConnection({ bytesForward: 1_000, bytesBackward: 0 })], 2_000)
  live.see([aConnection({ bytesForward: 5_000, bytesBackward: 100 })], 4_000)
  expect(live.byId(1)).toMatchObject({ rateForward: 2_000, rateBackward: 50 })
})

test('a connection that nobody mentions stands still', () => {
  const live = createLiveConnections()
  live.see([aConnection({ bytesForward: 9_000 })], 2_000)
  live.settle(3_400)
  expect(live.byId(1)).toMatchObject({ rateForward: 9_000 })
  live.takeChange(9)
  live.settle(3_600)
  expect(live.byId(1)).toMatchObject({ rateForward: 0, rateBackward: 0 })
  expect(live.takeChange(9).changed.map(({ id }) => id)).toEqual([1])
  expect(live.rates()).toEqual({ inbound: 0, outbound: 0 })
})

test('what is mentioned again moves on while others come to rest', () => {
  const live = createLiveConnections()
  live.see([aConnection({ id: 1, bytesForward: 9_000 }), aConnection({ id: 2, bytesForward: 9_000 })], 2_000)
  live.see([aConnection({ id: 1, bytesForward: 12_000 })], 3_000)
  live.settle(3_600)
  expect(live.byId(1)).toMatchObject({ rateForward: 3_000 })
  expect(live.byId(2)).toMatchObject({ rateForward: 0 })
})

test('rates are inbound and outbound as this machine sees them', () => {
  const live = createLiveConnections()
  live.see(
    [aConnection({ id: 1, direction: 'inbound', bytesForward: 300, bytesBackward: 0, openedAt: 0 })],
    1_000,
  )
  live.see(
    [aConnection({ id: 2, direction: 'outbound', bytesForward: 500, bytesBackward: 0, openedAt: 0 })],
    1_000,
  )
  expect(live.rates()).toEqual({ inbound: 300, outbound: 500 })
})

test('a change is taken once, in portions, and what ended is gone', () => {
  const live = createLiveConnections()
  live.see(
    [1, 2, 3].map((id) => aConnection({ id })),
    2_000,
  )
  expect(live.takeChange(2).changed.map(({ id }) => id)).toEqual([1, 2])
  live.see([aConnection({ id: 2, ended: 'finished' })], 2_100)
  expect(live.takeChange(2)).toMatchObject({ changed: [{ id: 3 }], gone: [2] })
  expect(live.takeChange(2)).toEqual({ changed: [], gone: [] })
})

test('a new connection can be taken ahead of the changes, once', () => {
  const live = createLiveConnections()
  live.see([aConnection({ id: 1 })], 2_000)
  expect(live.takeChange(9).changed).toHaveLength(1)
  live.see([aConnection({ id: 1, bytesForward: 9_000 }), aConnection({ id: 2 })], 2_250)
  expect(live.takeNew(9).map(({ id }) => id)).toEqual([2])
  expect(live.takeNew(9)).toEqual([])
  expect(live.takeChange(9).changed.map(({ id }) => id)).toEqual([1])
})

test('beyond its bound new connections are counted, not listed', () => {
  const live = createLiveConnections(1)
  live.see([aConnection({ id: 1 }), aConnection({ id: 2 })], 2_000)
  expect([live.count, live.unlisted]).toEqual([1, 1])
})
