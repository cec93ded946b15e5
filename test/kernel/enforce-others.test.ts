import { spawn } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect } from 'vitest'
import { eventually, type GuardedWire, layGuardedWire } from '../support/guarded-wire.ts'
import { testWith } from '../support/needs.ts'

const test = testWith('root', 'ip', 'nft')

let wire: GuardedWire

beforeEach(async () => {
  wire = await layGuardedWire()
})

afterEach(() => wire.end())

describe('another program', () => {
  test('that deletes our table is noticed soon, and all is put back', async () => {
    await wire.enforcer.start()
    await wire.enforcer.block(wire.client.ip4, 600)
    await wire.enforcer.block('203.0.113.0/24')
    wire.nft('delete', 'table', 'inet', 'gatehouse')
    const tookMs = await eventually(() => wire.nft('list', 'tables').includes('inet gatehouse'))
    process.stdout.write(`table put back after ${Math.round(tookMs)} ms\n`)
    expect(wire.call(wire.client, wire.server.ip4)).toBe('failed TIMEOUT')
    expect(wire.nft('list', 'table', 'inet', 'gatehouse')).toContain('203.0.113.0/24')
    expect(await wire.enforcer.health()).toMatchObject({
      state: 'ok',
      note: expect.stringContaining('changed it once'),
    })
    expect((await wire.enforcer.repairs())[0]).toContain('was removed by another program')
  })

  test.each([
    ['takes our rules out', ['flush', 'chain', 'inet', 'gatehouse', 'input']],
    ['takes out what drops', ['flush', 'chain', 'inet', 'gatehouse', 'turned_away']],
    ['empties our set', ['flush', 'set', 'inet', 'gatehouse', 'blocked4']],
    ['empties our ranges', ['flush', 'set', 'inet', 'gatehouse', 'ranges4']],
    ['empties the book of our ranges', ['flush', 'set', 'inet', 'gatehouse', 'range_book4']],
    ['flushes everything', ['flush', 'ruleset']],
    ['lets our table sleep', ['add', 'table', 'inet', 'gatehouse', '{', 'flags', 'dormant', ';', '}']],
  ])('that %s is undone soon', async (_name, command) => {
    await wire.enforcer.start()
    await wire.enforcer.block(wire.client.ip4, 600)
    await wire.enforcer.block(`${wire.client.ip4.split('.').slice(0, 3).join('.')}.0/24`)
    wire.nft(...command)
    await eventually(async () => (await wire.enforcer.repairs()).length > 0)
    const table = wire.nft('list', 'table', 'inet', 'gatehouse')
    expect(table).toContain(`${wire.client.ip4} counter`)
    expect(table).toContain('.0/24 counter')
    expect(table).toContain('ip saddr @blocked4 goto turned_away')
    expect(table).not.toContain('dormant')
    expect(wire.call(wire.client, wire.server.ip4)).toBe('failed TIMEOUT')
  })

  test('has its own tables left alone, and we are not troubled by its changes', async () => {
    wire.nft('add table ip filter { chain FORWARD { type filter hook forward priority 0; policy drop; }; }')
    wire.nft('add table inet firewalld { chain filter_INPUT { type filter hook input priority 10; }; }')
    const before = [wire.nft('list', 'table', 'ip', 'filter'), wire.nft('list', 'table', 'inet', 'firewalld')]
    await wire.enforcer.start()
    await wire.enforcer.block(wire.client.ip4, 600)
    wire.nft('add', 'rule', 'inet', 'firewalld', 'filter_INPUT', 'tcp', 'dport', '1', 'drop')
    wire.nft('flush', 'chain', 'inet', 'firewalld', 'filter_INPUT')
    await sleep(600)
    expect(await wire.enforcer.repairs()).toEqual([])
    await wire.enforcer.stop(false)
    expect([
      wire.nft('list', 'table', 'ip', 'filter'),
      wire.nft('list', 'table', 'inet', 'firewalld'),
    ]).toEqual(before)
    expect(wire.nft('list', 'tables')).not.toContain('gatehouse')
  })

  test('that removes the table again and again gets it back each time', async () => {
    await wire.enforcer.start()
    await wire.enforcer.block(wire.client.ip4, 600)
    for (let times = 0; times < 3; times++) {
      await eventually(() => wire.nft('list', 'tables').includes('inet gatehouse'))
      wire.nft('delete', 'table', 'inet', 'gatehouse')
    }
    await eventually(() => wire.nft('list', 'tables').includes('inet gatehouse'))
    expect(await wire.enforcer.repairs()).toHaveLength(3)
  })

  test('that removed the table a moment ago does not keep a new block out', async () => {
    await wire.enforcer.start()
    wire.nft('delete', 'table', 'inet', 'gatehouse')
    expect(await wire.enforcer.block(wire.client.ip4)).toBe(true)
    expect(wire.call(wire.client, wire.server.ip4)).toBe('failed TIMEOUT')
  })
})

describe('without privilege', () => {
  test('nothing is thrown: the state is degraded, says why and what to do, and blocks are remembered', async () => {
    // Still root by number, so that it can read this checkout, but with no capability at all.
    const wrapper = ['setpriv', '--bounding-set=-all', '--inh-caps=-all']
    await wire.restartEnforcer({ wrapper })
    expect(await wire.enforcer.start()).toEqual([])
    expect(await wire.enforcer.block(wire.client.ip4, 600)).toBe(false)
    expect(await wire.enforcer.unblock('192.0.2.1')).toBe(false)
    expect(await wire.enforcer.closeSockets(wire.client.ip4)).toBe(0)
    expect(await wire.enforcer.counters()).toEqual({})
    expect(await wire.enforcer.verify()).toMatchObject({
      part: 'enforcement',
      state: 'degraded',
      reason: expect.stringContaining('CAP_NET_ADMIN'),
      remedy: expect.stringContaining('root'),
    })
    await wire.enforcer.stop(false)
  })
})

describe('a kernel that refuses for a while', () => {
  test('gets the blocks as soon as it takes them', async () => {
    // A table with the owner flag can be changed by nobody else, and goes when its owner goes.
    const owner = spawn('ip', ['netns', 'exec', wire.server.namespace, 'nft', '-i'], {
      stdio: ['pipe', 'ignore', 'ignore'],
    })
    owner.stdin.write('add table inet gatehouse { flags owner; }\n')
    try {
      await eventually(() => wire.nft('list', 'tables').includes('gatehouse'))
      await wire.enforcer.start()
      expect(await wire.enforcer.block(wire.client.ip4, 600)).toBe(false)
      expect(await wire.enforcer.block('203.0.113.0/24')).toBe(false)
      expect(await wire.enforcer.verify()).toMatchObject({
        state: 'degraded',
        reason: expect.stringContaining('another program owns the table inet gatehouse'),
      })
      expect(wire.call(wire.client, wire.server.ip4)).toBe('open')
    } finally {
      owner.kill()
    }
    await eventually(() => !wire.nft('list', 'tables').includes('gatehouse'))
    expect(await wire.enforcer.verify()).toMatchObject({ state: 'ok' })
    expect(wire.call(wire.client, wire.server.ip4)).toBe('failed TIMEOUT')
    expect(Object.keys(await wire.enforcer.counters()).sort()).toEqual(
      ['203.0.113.0/24', wire.client.ip4].sort(),
    )
  })
})
