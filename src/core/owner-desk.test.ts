import { expect, test } from 'vitest'
import { ip } from '#model/address.ts'
import { KERNEL } from '#model/kernel-traffic.ts'
import type { Owner, SocketKey } from '#model/owner.ts'
import { socketKeyOf } from '#model/standpoint.ts'
import { aConnection } from '../../test/support/connections.ts'
import { createOwnerDesk } from './owner-desk.ts'

const curl: Owner = {
  pid: 7,
  path: '/usr/bin/curl',
  name: 'curl',
  commandLine: 'curl',
  uid: 0,
  source: 'scan',
}
const keyOf = (about: Parameters<typeof aConnection>[0] = {}): SocketKey => {
  const key = socketKeyOf(aConnection(about))
  if (!key) throw new Error('no socket')
  return key
}

/** What the owners thread knows, and what it was asked. */
function aSource() {
  const asked: SocketKey[] = []
  const known = new Map<string, Owner>()
  return {
    asked,
    learn: (key: SocketKey, owner: Owner) => known.set(JSON.stringify(key), owner),
    ownerOf: (key: SocketKey) => known.get(JSON.stringify(key)),
    request: (keys: readonly SocketKey[]) => void asked.push(...keys),
  }
}

test('asks once while a connection is unknown, and completes it with the answer', () => {
  const source = aSource()
  const desk = createOwnerDesk(source, () => 0)
  desk.attach([aConnection()])
  desk.attach([aConnection({ bytesForward: 9 })])

  expect(source.asked).toHaveLength(1)
  expect(desk.complete([{ key: keyOf(), owner: curl }])).toMatchObject([
    { bytesForward: 9, owner: { name: 'curl' } },
  ])
})

test('a connection that ends keeps the owner that it had', () => {
  const source = aSource()
  const desk = createOwnerDesk(source, () => 0)
  desk.attach([aConnection()])
  desk.complete([{ key: keyOf(), owner: curl }])
  expect(desk.attach([aConnection({ ended: 'finished' })])).toMatchObject([{ owner: { name: 'curl' } }])
})

test('does not give an older connection’s owner to a new one on the same ports', () => {
  const source = aSource()
  source.learn(keyOf(), curl)
  expect(createOwnerDesk(source, () => 0).attach([aConnection({ id: 2 })])[0]?.owner).toBeUndefined()
})

test('asks three times for a socket that nobody knows, then lets it be', () => {
  const source = aSource()
  const desk = createOwnerDesk(source, () => 0)
  for (let n = 0; n < 9; n++) {
    desk.attach([aConnection()])
    desk.complete([{ key: keyOf() }])
  }
  expect(source.asked).toHaveLength(3)
})

test('a forwarded connection is asked for too: it may be of a container', () => {
  const source = aSource()
  createOwnerDesk(source, () => 0).attach([aConnection({ direction: 'forward', target: ip('198.51.100.1') })])
  expect(source.asked).toMatchObject([{ peerAddress: '198.51.100.1', isForwarded: true }])
})

test.each([
  ['an echo that we answer', 1, 8, 'inbound'],
  ['that a port is closed', 1, 3, 'outbound'],
  ['a question for a neighbour', 58, 135, 'outbound'],
] as const)('the kernel itself says %s', (_what, protocol, sourcePort, direction) => {
  const source = aSource()
  const [connection] = createOwnerDesk(source, () => 0).attach([
    aConnection({ protocol, sourcePort, direction }),
  ])
  expect(connection?.owner).toEqual(KERNEL)
  expect(source.asked).toEqual([])
})

test('an echo request is asked for: a program may have sent it', () => {
  const source = aSource()
  createOwnerDesk(source, () => 0).attach([
    aConnection({ protocol: 1, sourcePort: 8, targetPort: 0, direction: 'outbound' }),
  ])
  expect(source.asked).toMatchObject([{ protocol: 1, localPort: 8 }])
})

test('of half-open connections a hundred a second are asked for, and each once it is established', () => {
  const source = aSource()
  let now = 5_000
  const desk = createOwnerDesk(source, () => now)
  const from = (id: number, state: 'syn-received' | 'established') =>
    aConnection({ id, direction: 'inbound', sourcePort: id, peerPort: id, state })
  const clients = Array.from({ length: 300 }, (_, at) => 1_000 + at)

  desk.attach(clients.map((id) => from(id, 'syn-received')))
  expect(source.asked).toHaveLength(100)
  now += 1_000
  desk.attach(clients.map((id) => from(id, 'syn-received')))
  expect(source.asked).toHaveLength(200)
  desk.attach([from(1_299, 'established')])
  expect(source.asked).toHaveLength(201)
})
