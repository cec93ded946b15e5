import { expect, test } from 'vitest'
import { type Ip, ip } from '#model/address.ts'
import type { Connection } from '#model/flow.ts'
import type { Owner } from '#model/owner.ts'
import { createCalledPeers } from './called-peers.ts'

const PEER = ip('198.51.100.7')
const OWNER = { pid: 7, path: '/bin/foo', name: 'foo' } as Owner
const socket = (peerAddress: string) => ({
  ...{ protocol: 6, localAddress: '192.0.2.1', localPort: 40_000, peerAddress, peerPort: 443 },
  owner: OWNER,
})

function calls({ isAway = false } = {}) {
  const told: Connection[] = []
  let called: Ip[] = []
  let now = 0
  let asked = 0
  const sockets = [socket('203.0.113.1'), socket(PEER)]
  const look = createCalledPeers({
    takeCalled: () => called,
    async listSockets() {
      asked++
      if (isAway) throw new Error('the thread is away')
      return { count: sockets.length, at: (row) => sockets[row] ?? socket('') }
    },
    tell: (connection) => told.push(connection),
    now: () => now,
  })
  const call = (...peers: Ip[]): Promise<void> => {
    called = peers
    return look()
  }
  return { call, told, asked: () => asked, later: (ms: number) => (now += ms) }
}

test('who was called is told with the program that still tries, once in ten minutes', async () => {
  const { call, told, asked, later } = calls()
  await call()
  expect(asked()).toBe(0)
  await call(PEER)
  await call(PEER)
  expect(told).toMatchObject([
    {
      direction: 'outbound',
      peer: PEER,
      peerPort: 443,
      localPort: 40_000,
      source: '192.0.2.1',
      owner: OWNER,
    },
  ])
  later(600_000)
  await call(PEER)
  expect(told).toHaveLength(2)
})

test('without a socket, or with nobody to ask, the address alone is told', async () => {
  const other = ip('2001:db8::1')
  const gone = calls()
  await gone.call(other)
  expect(gone.told).toMatchObject([{ peer: other, source: '::', peerPort: 0 }])
  const away = calls({ isAway: true })
  await away.call(PEER)
  expect(away.told[0]?.owner).toBeUndefined()
})
