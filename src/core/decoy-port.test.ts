import { expect, test } from 'vitest'
import { DecoyStatus } from '#contract/decoys.ts'
import { ip } from '#model/address.ts'
import { createDecoyPort } from './decoy-port.ts'
import { createDecoyDesk, decoyOrderOf, decoySettings } from './decoys.ts'

const anna = { name: 'anna', role: 'admin' } as const
const PEER = '203.0.113.9'

function decoys(settings: object, mode: DecoyStatus['mode'] = 'act') {
  const inForce = decoySettings.parse(settings)
  const desk = createDecoyDesk(decoyOrderOf(inForce))
  const asked: unknown[] = []
  const port = createDecoyPort({
    desk,
    inForce: () => inForce,
    settings: {
      async change(request) {
        asked.push(request)
        return { sentence: 'done', decisions: [], needsRestart: false, file: '' }
      },
    },
    mode: () => mode,
    alerts: () => [5, 7].map((id) => ({ id, subject: ip(PEER) })),
    isBlocked: (address) => address === PEER,
    isOwn: (address) => address === '192.0.2.1',
    isListening: (number) => number === 443,
    problem: () => ({ sentence: 'no interface is up', hint: 'Bring one up.' }),
  })
  const peer = (number: number) => ({
    ...{ peer: ip(PEER), peerPort: 4_000, address: ip('192.0.2.1'), port: number, since: 1, lastAt: 2 },
    ...{ state: 'held' as const, bytes: 0, said: '' },
  })
  desk.take({
    ...{ ports: [23], givenWay: [23, 80], addresses: [], answered: 4, unanswered: 0 },
    peers: [23, 80].map(peer),
  })
  const sentences = async (change: object) =>
    (await port.change({ ...change, dryRun: true }, anna)).consequences.map(({ sentence }) => sentence)
  return { port, desk, asked, sentences }
}

test('who came is told with the newest alert and whether it is blocked, and a fault only where something should answer', () => {
  const { port } = decoys({ ports: [23], banners: { '23': 'login: ' } })
  const status = port.status()
  expect(DecoyStatus.parse(status)).toEqual(status)
  expect(status).toMatchObject({
    ...{ isEnabled: true, mode: 'act', ports: [23], givenWay: [23], banners: { 23: 'login: ' }, answered: 4 },
    peers: [{ alertId: 7, isBlocked: true }, { port: 80 }],
    problem: { sentence: 'no interface is up' },
  })
  expect(decoys({}).port.status().problem).toBeUndefined()
  expect(decoys({ enabled: false, ports: [23] }).port.status()).toMatchObject({
    isEnabled: false,
    ports: [23],
  })
  expect(decoys({ enabled: false, ports: [23] }).port.status().problem).toBeUndefined()
})

test('a change says what it means: who answers, who is let go, and where it would surprise', async () => {
  const { sentences } = decoys({ ports: [23] })
  expect(await sentences({ ports: [22, 443], addresses: ['192.0.2.1', '192.0.2.9'] })).toEqual([
    'Ports 22, 443 and every TCP port of 192.0.2.1 and every TCP port of 192.0.2.9 will answer. Whoever connects is held, what it sends is recorded, and it is blocked.',
    'Port 23 will answer no more. One that is held there will be let go.',
    'A program listens at 443 now: no decoy as long as it does.',
    '192.0.2.1 is an address of this machine: every port at which no program listens will answer.',
    'Port 22 is the usual way in: whoever tries it while its program is down is an attacker.',
  ])
  expect(await sentences({ isEnabled: false })).toEqual([
    'Port 23 will answer no more. One that is held there will be let go.',
  ])
  expect(await sentences({ banners: { '23': 'x' } })).toEqual([])
  expect(await decoys({}, 'watch').sentences({ ports: [80] })).toEqual([
    'Port 80 will answer. Whoever connects is held, what it sends is recorded, and you are told; nobody is blocked.',
  ])
})

test('what is asked becomes settings, and nothing asked is refused', async () => {
  const { port, asked } = decoys({ ports: [23] })
  await port.change({ isEnabled: false, ports: [] }, anna)
  expect(asked).toEqual([
    {
      changes: [
        { setting: 'decoys.enabled', value: false },
        { setting: 'decoys.ports', value: [] },
      ],
    },
  ])
  await expect(port.change({ dryRun: true }, anna)).rejects.toThrow('Nothing was asked to change.')
})

test('places are added with what they say first, and removed with it; what is none is refused', async () => {
  const { port, asked } = decoys({ ports: [23], addresses: ['192.0.2.9'], banners: { '23': 'login: ' } })
  await port.change({ add: ['80', '23', '2001:DB8::9'], banner: 'hello' }, anna)
  await port.change({ remove: ['23', '192.0.2.9'] }, anna)
  expect(asked).toEqual([
    {
      changes: [
        { setting: 'decoys.ports', value: [23, 80] },
        { setting: 'decoys.addresses', value: ['192.0.2.9', '2001:db8::9'] },
        { setting: 'decoys.banners', value: { 23: 'hello', 80: 'hello' } },
      ],
    },
    {
      changes: [
        { setting: 'decoys.ports', value: [] },
        { setting: 'decoys.addresses', value: [] },
        { setting: 'decoys.banners', value: {} },
      ],
    },
  ])
  for (const place of ['0', '99999', 'ssh', '192.0.2.0/24', ''])
    await expect(port.change({ add: [place] }, anna)).rejects.toThrow('is no TCP port and no address.')
  await expect(port.change({ remove: ['80'] }, anna)).rejects.toThrow('80 is no decoy.')
  await expect(port.change({ add: ['192.0.2.7'], banner: 'x' }, anna)).rejects.toThrow(
    'A banner is for ports.',
  )
  expect(asked).toHaveLength(2)
})

test('another order holds at once, and what was told of the old one no longer counts', () => {
  const { desk } = decoys({ ports: [23] })
  desk.order(decoyOrderOf(decoySettings.parse({ ports: [80] })))
  expect(desk.status()).toMatchObject({ ports: [80], givenWay: [80] })
  desk.order(undefined)
  expect(desk.status()).toMatchObject({ ports: [], addresses: [], givenWay: [], answered: 4 })
})
