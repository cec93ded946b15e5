import { execFileSync } from 'node:child_process'
import { afterEach, beforeEach, describe, expect } from 'vitest'
import { eventually, type GuardedWire, layGuardedWire } from '../support/guarded-wire.ts'
import { testWith } from '../support/needs.ts'

const test = testWith('root', 'ip', 'nft')

let wire: GuardedWire

beforeEach(async () => {
  wire = await layGuardedWire()
})

afterEach(() => wire.end())

describe('a block', () => {
  test.each(['ip4', 'ip6'] as const)('shuts the neighbour out by %s, counts it, and lets go', async (ip) => {
    await wire.enforcer.start()
    expect(wire.call(wire.client, wire.server[ip])).toBe('open')

    expect(await wire.enforcer.block(wire.client[ip])).toBe(true)
    expect(wire.call(wire.client, wire.server[ip])).toBe('failed TIMEOUT')
    const counts = await wire.enforcer.counters()
    expect(counts[wire.client[ip]]?.packets).toBeGreaterThanOrEqual(1)
    expect(counts[wire.client[ip]]?.bytes).toBeGreaterThanOrEqual(60)

    expect(await wire.enforcer.unblock(wire.client[ip])).toBe(true)
    expect(wire.call(wire.client, wire.server[ip])).toBe('open')
    expect(await wire.enforcer.counters()).toEqual({})
  })

  test('shuts out what we send to the neighbour too', async () => {
    await wire.enforcer.start()
    await wire.enforcer.block(wire.client.ip4)
    // A local program learns of a drop on its way out by a time-out, or by EPERM.
    expect(wire.call(wire.server, wire.client.ip4)).toMatch(/^failed (TIMEOUT|EPERM)/)
    expect((await wire.enforcer.counters())[wire.client.ip4]?.packets).toBeGreaterThanOrEqual(1)
  })

  test('ends by itself, without us', async () => {
    await wire.enforcer.start()
    await wire.enforcer.block(wire.client.ip4, 3)
    expect(wire.call(wire.client, wire.server.ip4)).toBe('failed TIMEOUT')
    await wire.enforcer.kill()
    await eventually(() => wire.call(wire.client, wire.server.ip4) === 'open')
  })

  test('takes a new end and goes on counting', async () => {
    await wire.enforcer.start()
    await wire.enforcer.block(wire.client.ip4, 600)
    wire.call(wire.client, wire.server.ip4)
    const before = (await wire.enforcer.counters())[wire.client.ip4]?.packets ?? 0
    expect(before).toBeGreaterThanOrEqual(1)

    expect(await wire.enforcer.block(wire.client.ip4, 2)).toBe(true)
    expect(wire.nft('list', 'table', 'inet', 'gatehouse')).toContain(`${wire.client.ip4} counter packets`)
    expect((await wire.enforcer.counters())[wire.client.ip4]?.packets).toBeGreaterThanOrEqual(before)
    await eventually(() => wire.call(wire.client, wire.server.ip4) === 'open')
  })

  test('needs no nft program', async () => {
    await wire.restartEnforcer({ wrapper: ['env', 'PATH=/nonexistent'] })
    await wire.enforcer.start()
    expect(await wire.enforcer.block(wire.client.ip4)).toBe(true)
    expect((await wire.enforcer.verify()).state).toBe('ok')
    expect(wire.call(wire.client, wire.server.ip4)).toBe('failed TIMEOUT')
  })
})

describe('after a crash', () => {
  test('the next run adopts addresses and ranges with reason, time left and counts', async () => {
    await wire.enforcer.start()
    await wire.enforcer.block(wire.client.ip4, 60, 'port-scan: tried 10 ports')
    await wire.enforcer.block('203.0.113.0/24', 120, 'anna: noisy network')
    await wire.enforcer.block('203.0.113.128/25', undefined, 'anna: for good')
    await wire.enforcer.block('2001:db8::7', undefined, 'ben: as he said "no" – naïve')
    wire.call(wire.client, wire.server.ip4)
    const before = (await wire.enforcer.counters())[wire.client.ip4]?.packets ?? 0
    await wire.enforcer.kill()
    expect(wire.call(wire.client, wire.server.ip4)).toBe('failed TIMEOUT')

    await wire.restartEnforcer()
    const now = Date.now()
    const adopted = new Map((await wire.enforcer.start()).map((block) => [block.target as string, block]))
    expect([...adopted.keys()].sort()).toEqual(
      ['2001:db8::7', '203.0.113.0/24', '203.0.113.128/25', wire.client.ip4].sort(),
    )
    expect(adopted.get(wire.client.ip4)?.note).toBe('port-scan: tried 10 ports')
    expect(adopted.get(wire.client.ip4)?.until).toBeGreaterThan(now + 50_000)
    expect(adopted.get(wire.client.ip4)?.until).toBeLessThan(now + 60_000)
    expect(adopted.get('203.0.113.0/24')?.until).toBeLessThan(now + 120_000)
    expect(adopted.get('203.0.113.128/25')).toEqual({ target: '203.0.113.128/25', note: 'anna: for good' })
    expect(adopted.get('2001:db8::7')?.note).toBe('ben: as he said "no" – naïve')
    expect((await wire.enforcer.counters())[wire.client.ip4]?.packets).toBeGreaterThan(before)

    await wire.enforcer.unblock(wire.client.ip4)
    expect(wire.call(wire.client, wire.server.ip4)).toBe('open')
  })
})

describe('at the end', () => {
  test('keep leaves the blocks in force', async () => {
    await wire.enforcer.start()
    await wire.enforcer.block(wire.client.ip4, 600)
    await wire.enforcer.stop(true)
    expect(wire.call(wire.client, wire.server.ip4)).toBe('failed TIMEOUT')
  })

  test('clear removes our table', async () => {
    await wire.enforcer.start()
    await wire.enforcer.block(wire.client.ip4, 600)
    await wire.enforcer.stop(false)
    expect(wire.nft('list', 'tables')).toBe('')
    expect(wire.call(wire.client, wire.server.ip4)).toBe('open')
  })
})

describe('what only passes through this machine', () => {
  test.each(['the one who calls', 'the one who is called'])('is dropped when %s is blocked', async (who) => {
    const beyond = `${wire.server.namespace}x`
    const ip = (...words: string[]) => execFileSync('ip', words)
    ip('netns', 'add', beyond)
    try {
      ip('link', 'add', 'gh1', 'netns', wire.server.namespace, 'type', 'veth', 'peer', 'gh0', 'netns', beyond)
      ip('-n', wire.server.namespace, 'addr', 'add', '172.31.7.1/24', 'dev', 'gh1')
      ip('-n', wire.server.namespace, 'link', 'set', 'gh1', 'up')
      ip('-n', beyond, 'addr', 'add', '172.31.7.2/24', 'dev', 'gh0')
      ip('-n', beyond, 'link', 'set', 'gh0', 'up')
      ip('-n', beyond, 'route', 'add', 'default', 'via', '172.31.7.1')
      ip('-n', wire.client.namespace, 'route', 'add', '172.31.7.0/24', 'via', wire.server.ip4)
      wire.server.run('sysctl', '-q', '-w', 'net.ipv4.ip_forward=1')
      // Nobody listens there: an answer of any kind shows that the call came through.
      await wire.enforcer.start()
      expect(wire.call(wire.client, '172.31.7.2')).toBe('failed ECONNREFUSED')
      await wire.enforcer.block(who === 'the one who calls' ? wire.client.ip4 : '172.31.7.2')
      expect(wire.call(wire.client, '172.31.7.2')).toBe('failed TIMEOUT')
    } finally {
      ip('netns', 'del', beyond)
    }
  })
})

describe('many blocks', () => {
  test('that keep coming do not hold up a reading, and are no loss', async () => {
    await wire.enforcer.start()
    const first = Array.from({ length: 5000 }, (_, at) => ({
      target: `11.0.${at >> 8}.${at & 255}`,
      note: 'list',
    }))
    await wire.enforcer.blockMany(first)
    const added = await wire.enforcer.verifyAmidBlocks('11.1')
    expect(added).toBeGreaterThan(5)
    expect(Object.keys(await wire.enforcer.counters())).toHaveLength(5000 + added)
    expect(await wire.enforcer.repairs()).toEqual([])
  })

  test('100,000 addresses at once are in force, and survive a restart', async () => {
    await wire.enforcer.start()
    const until = Date.now() + 600_000
    const blocks = Array.from({ length: 100_000 }, (_, at) => ({
      target: `11.${at >> 16}.${(at >> 8) & 255}.${at & 255}`,
      until,
      note: 'list',
    }))
    expect(await wire.enforcer.blockMany([...blocks, { target: wire.client.ip4, note: 'the last' }])).toBe(
      true,
    )
    expect(wire.call(wire.client, wire.server.ip4)).toBe('failed TIMEOUT')
    expect(Object.keys(await wire.enforcer.counters())).toHaveLength(100_001)
    await wire.restartEnforcer()
    expect(await wire.enforcer.start()).toHaveLength(100_001)
    expect((await wire.enforcer.verify()).state).toBe('ok')
  })
})
