import { afterEach, beforeEach, describe, expect } from 'vitest'
import { eventually, type GuardedWire, layGuardedWire } from '../support/guarded-wire.ts'
import { type RemoteLists, runLists } from '../support/list-enforcer.ts'
import { testWith } from '../support/needs.ts'

/** Threat lists in the kernel, ahead of the first packet. */
const test = testWith('root', 'ip', 'nft')

let wire: GuardedWire
let lists: RemoteLists

beforeEach(async () => {
  wire = await layGuardedWire()
  lists = runLists(wire.server.namespace)
})

afterEach(async () => {
  await lists.kill()
  await wire.end()
})

const around = (address: string): string =>
  address.includes(':')
    ? `${address.split('::')[0]}::/64`
    : `${address.split('.').slice(0, 3).join('.')}.0/24`
const tables = (): string => wire.nft('list', 'tables')

describe.each(['ip4', 'ip6'] as const)('who is listed, by %s', (ip) => {
  test('is dropped from the first packet on, counted for the list, and let in when the list is off', async () => {
    expect(await lists.hold({ bad: [wire.client[ip], '198.51.100.0/24'] })).toBe(true)
    expect(wire.call(wire.client, wire.server[ip])).toBe('failed TIMEOUT')
    expect(wire.heard.filter((line) => line.startsWith('open'))).toEqual([])
    expect((await lists.drops())['bad']?.packets).toBeGreaterThanOrEqual(1)
    expect(await lists.hold({})).toBe(true)
    expect(wire.call(wire.client, wire.server[ip])).toBe('open')
    expect(tables()).not.toContain('gatehouse_lists')
  })

  test('passes where the allow list names it, within a listed range, from that moment on', async () => {
    await lists.hold({ bad: [around(wire.client[ip])] })
    expect(wire.call(wire.client, wire.server[ip])).toBe('failed TIMEOUT')
    await lists.spare([wire.client[ip]])
    expect(wire.call(wire.client, wire.server[ip])).toBe('open')
    await lists.hold({ bad: [around(wire.client[ip]), '203.0.113.1'] })
    expect(wire.call(wire.client, wire.server[ip])).toBe('open')
    await lists.spare([])
    expect(wire.call(wire.client, wire.server[ip])).toBe('failed TIMEOUT')
  })

  test('cannot be called from here, and who was called is known', async () => {
    await lists.hold({ bad: [wire.client[ip]] })
    expect(await lists.called()).toEqual([])
    expect(wire.call(wire.server, wire.client[ip])).toBe('failed TIMEOUT')
    expect(await lists.called()).toEqual([wire.client[ip]])
    expect(await lists.called()).toEqual([])
  })
})

test('of entries that lie in one another the widest counts, and each version replaces the one before', async () => {
  const { client, server } = wire
  await lists.hold({ bad: [client.ip4, around(client.ip4), '10.0.0.0/8', client.ip4] })
  expect(wire.call(client, server.ip4)).toBe('failed TIMEOUT')
  expect(await lists.health()).toMatchObject({ note: expect.stringContaining('1 of 1 lists with 1 entries') })
  await lists.hold({ bad: ['198.51.100.7'], other: ['203.0.113.0/25', '203.0.113.128/25'] })
  expect(wire.call(client, server.ip4)).toBe('open')
  const sets = wire.nft('list', 'table', 'inet', 'gatehouse_lists')
  expect(sets.match(/set (address|range)\d/g)).toEqual(['set address4', 'set range4'])
})

test('a crash lets nobody through, and the next run takes over without a gap', async () => {
  const { client, server } = wire
  await lists.hold({ bad: [client.ip4] })
  await lists.kill()
  expect(wire.call(client, server.ip4)).toBe('failed TIMEOUT')
  lists = runLists(server.namespace)
  const holding = lists.hold({ bad: [client.ip4], more: ['198.51.100.7'] })
  expect(wire.call(client, server.ip4)).toBe('failed TIMEOUT')
  expect(await holding).toBe(true)
  expect(wire.call(client, server.ip4)).toBe('failed TIMEOUT')
  expect(wire.nft('list', 'sets').match(/set address4_/g)).toHaveLength(2)
  await lists.stop(true)
  expect(wire.call(client, server.ip4)).toBe('failed TIMEOUT')
  await lists.kill()
  lists = runLists(server.namespace)
  await lists.hold({})
  expect(wire.call(client, server.ip4)).toBe('open')
})

test('a table that another program removes is put back, and that is told', async () => {
  const { client, server } = wire
  await lists.hold({ bad: [client.ip4] })
  wire.nft('delete', 'table', 'inet', 'gatehouse_lists')
  expect(wire.call(client, server.ip4)).toBe('open')
  await lists.verify()
  await eventually(async () => (await lists.repairs()).length === 1 && tables().includes('gatehouse_lists'))
  expect(wire.call(client, server.ip4)).toBe('failed TIMEOUT')
})

test('replacing a version while packets come lets none of them through', async () => {
  const { client, server } = wire
  const nobody = Array.from({ length: 20_000 }, (_, at) => `11.${at >> 8}.${at & 255}.1`)
  await lists.hold({ bad: [client.ip4, ...nobody] })
  const heard = wire.heard.length
  const calls: string[][] = []
  for (let version = 0; version < 8; version++) {
    calls.push(wire.keepCalling(client, server.ip4), wire.keepCalling(client, server.ip4))
    await lists.hold({ bad: [client.ip4, `198.51.100.${version}`, ...nobody] })
  }
  await eventually(() => calls.every((lines) => lines.includes('failed TIMEOUT')))
  expect(wire.heard.slice(heard).filter((line) => line.startsWith('open'))).toEqual([])
})

test('a million entries are in force within seconds, and nothing else waits for them', async () => {
  const { isDone, tookMs, stallMs } = await lists.holdMany(1_000_000)
  process.stdout.write(
    `1,000,000 entries: ${Math.round(tookMs)} ms, longest wait ${Math.round(stallMs)} ms\n`,
  )
  expect(isDone).toBe(true)
  // 5 s on a quiet machine; here others may be busy.
  expect(tookMs).toBeLessThan(20_000)
  expect(await lists.health()).toMatchObject({ note: expect.stringContaining('1000000 entries') })
})
