import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect } from 'vitest'
import { type GuardedWire, layGuardedWire } from '../support/guarded-wire.ts'
import { testWith } from '../support/needs.ts'

const test = testWith('root', 'ip', 'nft', 'ping')

/** What the test's enforcer lets a limited address send: so many at once, and each second. */
const PACE = 20

let wire: GuardedWire

beforeEach(async () => {
  wire = await layGuardedWire()
  await wire.enforcer.start()
})

afterEach(() => wire.end())

/** Answers of 200 pings, and how long they took. */
function ping(ip: 'ip4' | 'ip6'): { readonly answers: number; readonly seconds: number } {
  const family = ip === 'ip4' ? '-4' : '-6'
  const words = [family, '-q', '-c', '200', '-i', '0.005', '-W', '1', wire.server[ip]]
  const said = wire.client.run('sh', '-c', `ping ${words.join(' ')} || true`)
  const [, answers, milliseconds] = /(\d+) received.* time (\d+)ms/.exec(said) ?? []
  return { answers: Number(answers), seconds: Number(milliseconds) / 1000 }
}

const answered = (ip: 'ip4' | 'ip6'): number => ping(ip).answers

/** Few, and not more than the pace lets through in the time that the pings took. */
function expectLimited({ answers, seconds }: ReturnType<typeof ping>): void {
  expect(answers).toBeGreaterThanOrEqual(PACE)
  expect(answers).toBeLessThanOrEqual(PACE * (seconds + 2))
}

test.each(['ip4', 'ip6'] as const)(
  'a limited neighbour gets few packets through by %s, not none',
  async (ip) => {
    expect(answered(ip)).toBe(200)
    expect(await wire.enforcer.limit(wire.client[ip], 60)).toBe(true)
    const limited = ping(ip)
    process.stdout.write(
      `${ip}: ${limited.answers} of 200 packets of a limited address came through in ${limited.seconds} s\n`,
    )
    expectLimited(limited)

    expect(await wire.enforcer.unblock(wire.client[ip])).toBe(true)
    expect(answered(ip)).toBe(200)
  },
)

test('a limit becomes a block, and is gone with it', async () => {
  await wire.enforcer.limit(wire.client.ip4, 60)
  await wire.enforcer.block(wire.client.ip4, 60)
  expect(answered('ip4')).toBe(0)
  expect(wire.nft('list', 'set', 'inet', 'gatehouse', 'limited4')).not.toContain(wire.client.ip4)
  await wire.enforcer.unblock(wire.client.ip4)
  expect(answered('ip4')).toBe(200)
})

test('the next run takes a limit over as what it was', async () => {
  await wire.enforcer.limit(wire.client.ip4, 60)
  await wire.restartEnforcer()
  const [kept] = await wire.enforcer.start()
  expect(kept).toMatchObject({ target: wire.client.ip4, effect: 'limit' })
  expectLimited(ping('ip4'))
})

test('ends by itself, without us', async () => {
  await wire.enforcer.limit(wire.client.ip4, 1)
  await wire.enforcer.kill()
  await sleep(1_500)
  expect(answered('ip4')).toBe(200)
})

test('ranges are not limited: only single addresses are', async () => {
  expect(await wire.enforcer.limit('203.0.113.0/24', 60)).toBe(false)
})

test('a table from which another program took a limited address is put back', async () => {
  await wire.enforcer.limit(wire.client.ip4, 60)
  wire.nft('delete', 'element', 'inet', 'gatehouse', 'limited4', `{ ${wire.client.ip4} }`)
  await expect.poll(() => wire.enforcer.repairs()).toHaveLength(1)
  expectLimited(ping('ip4'))
})
