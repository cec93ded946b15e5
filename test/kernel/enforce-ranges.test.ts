import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect } from 'vitest'
import { contains, parseTarget, type Target } from '#model/address.ts'
import { eventually, type GuardedWire, layGuardedWire } from '../support/guarded-wire.ts'
import { testWith } from '../support/needs.ts'

const test = testWith('root', 'ip', 'nft')

let wire: GuardedWire

beforeEach(async () => {
  wire = await layGuardedWire()
})

afterEach(() => wire.end())

describe('a range', () => {
  const around = (address: string, bits: number) =>
    address.includes(':')
      ? `${address.split('::')[0]}::/${bits}`
      : `${bits === 8 ? '10.0.0.0' : `${address.split('.').slice(0, 3).join('.')}.0`}/${bits}`

  test.each([
    ['ip4', 24],
    ['ip6', 64],
  ] as const)('of %s shuts out all in it and counts for the range', async (ip, bits) => {
    await wire.enforcer.start()
    const range = around(wire.client[ip], bits)
    expect(await wire.enforcer.block(range, 600)).toBe(true)
    expect(wire.call(wire.client, wire.server[ip])).toBe('failed TIMEOUT')
    expect((await wire.enforcer.counters())[range]?.packets).toBeGreaterThanOrEqual(1)
    await wire.enforcer.unblock(range)
    expect(wire.call(wire.client, wire.server[ip])).toBe('open')
  })

  test.each([
    ['the wider one came first', 0],
    ['the narrower one came first', 1],
  ])('may overlap another: unblocking one leaves the other in force, %s', async (_name, first) => {
    await wire.enforcer.start()
    const ranges = [around(wire.client.ip4, 8), around(wire.client.ip4, 24)]
    const [earlier = '', later = ''] = first === 0 ? ranges : ranges.toReversed()
    expect([await wire.enforcer.block(earlier), await wire.enforcer.block(later)]).toEqual([true, true])
    wire.call(wire.client, wire.server.ip4)

    await wire.enforcer.unblock(earlier)
    expect(wire.call(wire.client, wire.server.ip4)).toBe('failed TIMEOUT')
    expect((await wire.enforcer.counters())[later]?.packets).toBeGreaterThanOrEqual(1)
    await wire.enforcer.unblock(later)
    expect(wire.call(wire.client, wire.server.ip4)).toBe('open')
  })

  test('inside a shorter-lived one outlives it, even when we are dead', async () => {
    await wire.enforcer.start()
    await wire.enforcer.block(around(wire.client.ip4, 8), 1)
    await wire.enforcer.block(around(wire.client.ip4, 24), 600)
    await wire.enforcer.kill()
    await sleep(1200)
    expect(wire.call(wire.client, wire.server.ip4)).toBe('failed TIMEOUT')
  })

  test('goes on counting after a crash, and when it is cut by another', async () => {
    await wire.enforcer.start()
    const range = around(wire.client.ip4, 24)
    await wire.enforcer.block(range, 600)
    wire.call(wire.client, wire.server.ip4)
    const before = (await wire.enforcer.counters())[range]?.packets ?? 0
    expect(before).toBeGreaterThanOrEqual(1)
    await wire.restartEnforcer()
    await wire.enforcer.start()
    expect((await wire.enforcer.counters())[range]?.packets).toBeGreaterThanOrEqual(before)
    await wire.enforcer.block(around(wire.client.ip4, 8), 600)
    expect((await wire.enforcer.counters())[range]?.packets).toBeGreaterThanOrEqual(before)
    await wire.enforcer.block(range, 900)
    expect((await wire.enforcer.counters())[range]?.packets).toBeGreaterThanOrEqual(before)
  })

  test('is cut anew when an inner one ends, and nothing slips through', async () => {
    await wire.enforcer.start()
    await wire.enforcer.block(around(wire.client.ip4, 8))
    await wire.enforcer.block(around(wire.client.ip4, 24), 3)
    const isWhole = (): boolean =>
      wire.nft('list', 'set', 'inet', 'gatehouse', 'ranges4').includes('10.0.0.0/8 counter')
    expect(isWhole()).toBe(false)
    await eventually(async () => (await wire.enforcer.verify()).state === 'ok' && isWhole())
    expect(wire.call(wire.client, wire.server.ip4)).toBe('failed TIMEOUT')
  })
})

describe('whatever ranges come and go', () => {
  test('the kernel drops exactly the addresses of those in force', async () => {
    await wire.enforcer.start()
    // Half of it hits what is there: nested and side by side, across byte borders. The seed makes it repeat.
    let seed = 20
    const random = (below: number): number => {
      seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648
      return Math.floor((seed / 2_147_483_648) * below)
    }
    const anyRange = () => parseTarget(`11.0.${random(4)}.${random(4) * 64}/${20 + random(12)}`) as Target
    const inForce = new Set<Target>()
    for (let step = 0; step < 150; step++) {
      const range = anyRange()
      const isIn = random(2) === 0
      if (isIn) inForce.add(range)
      else inForce.delete(range)
      const isDone = isIn
        ? await wire.enforcer.block(range, 600 + random(600))
        : await wire.enforcer.unblock(range)
      expect(isDone).toBe(true)
    }
    expect(inForce.size).toBeGreaterThan(10)
    expect(Object.keys(await wire.enforcer.counters()).sort()).toEqual([...inForce].sort())
    for (let probe = 0; probe < 60; probe++) {
      const address = `11.0.${random(18)}.${random(256)}`
      const isInForce = [...inForce].some((range) => contains(range, address as Target))
      expect(`${address} ${isInKernel(address)}`).toBe(`${address} ${isInForce}`)
    }
    expect(await wire.enforcer.health()).toMatchObject({ state: 'ok' })
  })

  const isInKernel = (address: string): boolean => {
    try {
      wire.nft('get', 'element', 'inet', 'gatehouse', 'ranges4', `{ ${address} }`)
      return true
    } catch {
      return false
    }
  }
})
