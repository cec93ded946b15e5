import type { ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect } from 'vitest'
import { type RemoteEnforcer, runEnforcer } from '../support/enforcer.ts'
import { layWire, type NamespaceHost, type Wire } from '../support/namespaces.ts'
import { testWith } from '../support/needs.ts'

const support = (name: string): string => new URL(`../support/${name}`, import.meta.url).pathname
const test = testWith('root', 'ip', 'nft')

let wire: Wire
let enforcer: RemoteEnforcer
let port: string
let heard: string[]

beforeEach(async () => {
  wire = layWire()
  enforcer = runEnforcer(wire.server.namespace)
  heard = listen(wire.server.start(process.execPath, support('tcp-listener.ts')))
  port = (await said(heard, 'listening')).split(' ')[1] ?? ''
})

afterEach(async () => {
  await enforcer.kill()
  wire.remove()
})

/** What a process says, line by line, as it comes. */
function listen(child: ChildProcess): string[] {
  const lines: string[] = []
  if (child.stdout) createInterface({ input: child.stdout }).on('line', (line) => lines.push(line))
  return lines
}

async function said(lines: readonly string[], start: string, withinMs = 3000): Promise<string> {
  const until = performance.now() + withinMs
  for (;;) {
    const line = lines.find((each) => each.startsWith(start))
    if (line !== undefined) return line
    if (performance.now() > until) throw new Error(`never said "${start}": ${JSON.stringify(lines)}`)
    await sleep(10)
  }
}

async function eventually(isSo: () => boolean | Promise<boolean>, withinMs: number): Promise<number> {
  const from = performance.now()
  while (!(await isSo())) {
    if (performance.now() - from > withinMs) throw new Error(`not within ${withinMs} ms`)
    await sleep(20)
  }
  return performance.now() - from
}

const call = (from: NamespaceHost, address: string): string =>
  from.run(process.execPath, support('tcp-caller.ts'), address, port, 'once').trim()

const nft = (...command: string[]): string => wire.server.run('nft', ...command)

describe('a block', () => {
  test.each(['ip4', 'ip6'] as const)('shuts the neighbour out by %s, counts it, and lets go', async (ip) => {
    await enforcer.start()
    expect(call(wire.client, wire.server[ip])).toBe('open')

    expect(await enforcer.block(wire.client[ip])).toBe(true)
    expect(call(wire.client, wire.server[ip])).toBe('failed TIMEOUT')
    const counts = await enforcer.counters()
    expect(counts[wire.client[ip]]?.packets).toBeGreaterThanOrEqual(1)
    expect(counts[wire.client[ip]]?.bytes).toBeGreaterThanOrEqual(60)

    expect(await enforcer.unblock(wire.client[ip])).toBe(true)
    expect(call(wire.client, wire.server[ip])).toBe('open')
    expect(await enforcer.counters()).toEqual({})
  })

  test('shuts out what we send to the neighbour too', async () => {
    await enforcer.start()
    await enforcer.block(wire.client.ip4)
    // A local program learns of a drop on its way out by a time-out, or by EPERM.
    expect(call(wire.server, wire.client.ip4)).toMatch(/^failed (TIMEOUT|EPERM)/)
    expect((await enforcer.counters())[wire.client.ip4]?.packets).toBeGreaterThanOrEqual(1)
  })

  test('ends by itself, without us', async () => {
    await enforcer.start()
    await enforcer.block(wire.client.ip4, 1)
    expect(call(wire.client, wire.server.ip4)).toBe('failed TIMEOUT')
    await enforcer.kill()
    await sleep(700)
    expect(call(wire.client, wire.server.ip4)).toBe('open')
  })

  test('takes a new end and goes on counting', async () => {
    await enforcer.start()
    await enforcer.block(wire.client.ip4, 600)
    call(wire.client, wire.server.ip4)
    const before = (await enforcer.counters())[wire.client.ip4]?.packets ?? 0
    expect(before).toBeGreaterThanOrEqual(1)

    expect(await enforcer.block(wire.client.ip4, 2)).toBe(true)
    expect(nft('list', 'table', 'inet', 'gatehouse')).toContain(`${wire.client.ip4} counter packets`)
    expect((await enforcer.counters())[wire.client.ip4]?.packets).toBeGreaterThanOrEqual(before)
    await sleep(2100)
    expect(call(wire.client, wire.server.ip4)).toBe('open')
  })

  test('needs no nft program', async () => {
    await enforcer.kill()
    // With this PATH `ip` is found and nothing that is called nft.
    enforcer = runEnforcer(wire.server.namespace, { wrapper: ['env', 'PATH=/nonexistent'] })
    await enforcer.start()
    expect(await enforcer.block(wire.client.ip4)).toBe(true)
    expect((await enforcer.verify()).state).toBe('ok')
    expect(call(wire.client, wire.server.ip4)).toBe('failed TIMEOUT')
  })
})

describe('a range', () => {
  const around = (address: string, bits: number) =>
    address.includes(':')
      ? `${address.split('::')[0]}::/${bits}`
      : `${bits === 8 ? '10.0.0.0' : `${address.split('.').slice(0, 3).join('.')}.0`}/${bits}`

  test.each([
    ['ip4', 24],
    ['ip6', 64],
  ] as const)('of %s shuts out all in it and counts for the range', async (ip, bits) => {
    await enforcer.start()
    const range = around(wire.client[ip], bits)
    expect(await enforcer.block(range, 600)).toBe(true)
    expect(call(wire.client, wire.server[ip])).toBe('failed TIMEOUT')
    expect((await enforcer.counters())[range]?.packets).toBeGreaterThanOrEqual(1)
    await enforcer.unblock(range)
    expect(call(wire.client, wire.server[ip])).toBe('open')
  })

  test.each([
    ['the wider one came first', 0],
    ['the narrower one came first', 1],
  ])('may overlap another: unblocking one leaves the other in force, %s', async (_name, first) => {
    await enforcer.start()
    const ranges = [around(wire.client.ip4, 8), around(wire.client.ip4, 24)]
    const [earlier = '', later = ''] = first === 0 ? ranges : ranges.toReversed()
    expect([await enforcer.block(earlier), await enforcer.block(later)]).toEqual([true, true])
    call(wire.client, wire.server.ip4)

    await enforcer.unblock(earlier)
    expect(call(wire.client, wire.server.ip4)).toBe('failed TIMEOUT')
    expect((await enforcer.counters())[later]?.packets).toBeGreaterThanOrEqual(1)
    await enforcer.unblock(later)
    expect(call(wire.client, wire.server.ip4)).toBe('open')
  })

  test('inside a shorter-lived one outlives it, even when we are dead', async () => {
    await enforcer.start()
    await enforcer.block(around(wire.client.ip4, 8), 1)
    await enforcer.block(around(wire.client.ip4, 24), 600)
    await enforcer.kill()
    await sleep(1200)
    expect(call(wire.client, wire.server.ip4)).toBe('failed TIMEOUT')
  })

  test('is cut anew when an inner one ends, and nothing slips through', async () => {
    await enforcer.start()
    await enforcer.block(around(wire.client.ip4, 8))
    await enforcer.block(around(wire.client.ip4, 24), 1)
    await sleep(1100)
    expect((await enforcer.verify()).state).toBe('ok')
    expect(call(wire.client, wire.server.ip4)).toBe('failed TIMEOUT')
    expect(nft('list', 'set', 'inet', 'gatehouse', 'ranges4')).toContain('10.0.0.0/8 counter')
  })
})

describe('after a crash', () => {
  test('the next run adopts addresses and ranges with reason, time left and counts', async () => {
    await enforcer.start()
    await enforcer.block(wire.client.ip4, 60, 'port-scan: tried 10 ports')
    await enforcer.block('203.0.113.0/24', 120, 'anna: noisy network')
    await enforcer.block('203.0.113.128/25', undefined, 'anna: for good')
    await enforcer.block('2001:db8::7', undefined, 'ben: as he said "no" – naïve')
    call(wire.client, wire.server.ip4)
    const before = (await enforcer.counters())[wire.client.ip4]?.packets ?? 0
    await enforcer.kill()
    expect(call(wire.client, wire.server.ip4)).toBe('failed TIMEOUT')

    enforcer = runEnforcer(wire.server.namespace)
    const now = Date.now()
    const adopted = new Map((await enforcer.start()).map((block) => [block.target as string, block]))
    expect([...adopted.keys()].sort()).toEqual(
      ['2001:db8::7', '203.0.113.0/24', '203.0.113.128/25', wire.client.ip4].sort(),
    )
    expect(adopted.get(wire.client.ip4)?.note).toBe('port-scan: tried 10 ports')
    expect(adopted.get(wire.client.ip4)?.until).toBeGreaterThan(now + 50_000)
    expect(adopted.get(wire.client.ip4)?.until).toBeLessThan(now + 60_000)
    expect(adopted.get('203.0.113.0/24')?.until).toBeLessThan(now + 120_000)
    expect(adopted.get('203.0.113.128/25')).toEqual({ target: '203.0.113.128/25', note: 'anna: for good' })
    expect(adopted.get('2001:db8::7')?.note).toBe('ben: as he said "no" – naïve')
    expect((await enforcer.counters())[wire.client.ip4]?.packets).toBeGreaterThan(before)

    await enforcer.unblock(wire.client.ip4)
    expect(call(wire.client, wire.server.ip4)).toBe('open')
  })
})

describe('another program', () => {
  test('that deletes our table is noticed within a second, and all is put back', async () => {
    await enforcer.start()
    await enforcer.block(wire.client.ip4, 600)
    await enforcer.block('203.0.113.0/24')
    nft('delete', 'table', 'inet', 'gatehouse')
    const tookMs = await eventually(() => nft('list', 'tables').includes('inet gatehouse'), 1000)
    process.stdout.write(`table put back after ${Math.round(tookMs)} ms\n`)
    expect(call(wire.client, wire.server.ip4)).toBe('failed TIMEOUT')
    expect(nft('list', 'table', 'inet', 'gatehouse')).toContain('203.0.113.0/24')
    expect(await enforcer.health()).toMatchObject({
      state: 'ok',
      note: expect.stringContaining('changed it once'),
    })
    expect((await enforcer.repairs())[0]).toContain('was removed by another program')
  })

  test.each([
    ['takes our rules out', ['flush', 'chain', 'inet', 'gatehouse', 'input']],
    ['empties our set', ['flush', 'set', 'inet', 'gatehouse', 'blocked4']],
    ['empties our ranges', ['flush', 'set', 'inet', 'gatehouse', 'ranges4']],
    ['flushes everything', ['flush', 'ruleset']],
    ['lets our table sleep', ['add', 'table', 'inet', 'gatehouse', '{', 'flags', 'dormant', ';', '}']],
  ])('that %s is undone within a second', async (_name, command) => {
    await enforcer.start()
    await enforcer.block(wire.client.ip4, 600)
    await enforcer.block(`${wire.client.ip4.split('.').slice(0, 3).join('.')}.0/24`)
    nft(...command)
    await eventually(async () => (await enforcer.repairs()).length > 0, 1000)
    const table = nft('list', 'table', 'inet', 'gatehouse')
    expect(table).toContain(`${wire.client.ip4} counter`)
    expect(table).toContain('.0/24 counter')
    expect(table).toContain('ip saddr @blocked4 drop')
    expect(table).not.toContain('dormant')
    expect(call(wire.client, wire.server.ip4)).toBe('failed TIMEOUT')
  })

  test('has its own tables left alone, and we are not troubled by its changes', async () => {
    nft('add table ip filter { chain FORWARD { type filter hook forward priority 0; policy drop; }; }')
    nft('add table inet firewalld { chain filter_INPUT { type filter hook input priority 10; }; }')
    const before = [nft('list', 'table', 'ip', 'filter'), nft('list', 'table', 'inet', 'firewalld')]
    await enforcer.start()
    await enforcer.block(wire.client.ip4, 600)
    nft('add', 'rule', 'inet', 'firewalld', 'filter_INPUT', 'tcp', 'dport', '1', 'drop')
    nft('flush', 'chain', 'inet', 'firewalld', 'filter_INPUT')
    await sleep(600)
    expect(await enforcer.repairs()).toEqual([])
    await enforcer.stop(false)
    expect([nft('list', 'table', 'ip', 'filter'), nft('list', 'table', 'inet', 'firewalld')]).toEqual(before)
    expect(nft('list', 'tables')).not.toContain('gatehouse')
  })

  test('that removes the table again and again gets it back at least each second', async () => {
    await enforcer.start()
    await enforcer.block(wire.client.ip4, 600)
    for (let times = 0; times < 3; times++) {
      await eventually(() => nft('list', 'tables').includes('inet gatehouse'), 1500)
      nft('delete', 'table', 'inet', 'gatehouse')
    }
    await eventually(() => nft('list', 'tables').includes('inet gatehouse'), 1500)
    expect(await enforcer.repairs()).toHaveLength(3)
  })

  test('that removed the table a moment ago does not keep a new block out', async () => {
    await enforcer.start()
    nft('delete', 'table', 'inet', 'gatehouse')
    expect(await enforcer.block(wire.client.ip4)).toBe(true)
    expect(call(wire.client, wire.server.ip4)).toBe('failed TIMEOUT')
  })
})

describe('at the end', () => {
  test('keep leaves the blocks in force', async () => {
    await enforcer.start()
    await enforcer.block(wire.client.ip4, 600)
    await enforcer.stop(true)
    expect(call(wire.client, wire.server.ip4)).toBe('failed TIMEOUT')
  })

  test('clear removes our table', async () => {
    await enforcer.start()
    await enforcer.block(wire.client.ip4, 600)
    await enforcer.stop(false)
    expect(nft('list', 'tables')).toBe('')
    expect(call(wire.client, wire.server.ip4)).toBe('open')
  })
})

describe('without privilege', () => {
  test('nothing is thrown: the state is degraded, says why and what to do, and blocks are remembered', async () => {
    await enforcer.kill()
    const wrapper = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '--bounding-set=-all']
    enforcer = runEnforcer(wire.server.namespace, { wrapper })
    expect(await enforcer.start()).toEqual([])
    expect(await enforcer.block(wire.client.ip4, 600)).toBe(false)
    expect(await enforcer.unblock('192.0.2.1')).toBe(false)
    expect(await enforcer.closeSockets(wire.client.ip4)).toBe(0)
    expect(await enforcer.counters()).toEqual({})
    expect(await enforcer.verify()).toMatchObject({
      part: 'enforcement',
      state: 'degraded',
      reason: expect.stringContaining('CAP_NET_ADMIN'),
      remedy: expect.stringContaining('root'),
    })
    await enforcer.stop(false)
  })
})

describe('many blocks', () => {
  test('100,000 addresses at once are in force, and survive a restart', async () => {
    await enforcer.start()
    const until = Date.now() + 600_000
    const blocks = Array.from({ length: 100_000 }, (_, at) => ({
      target: `11.${at >> 16}.${(at >> 8) & 255}.${at & 255}`,
      until,
      note: 'list',
    }))
    expect(await enforcer.blockMany([...blocks, { target: wire.client.ip4, note: 'the last' }])).toBe(true)
    expect(call(wire.client, wire.server.ip4)).toBe('failed TIMEOUT')
    expect(Object.keys(await enforcer.counters())).toHaveLength(100_001)
    await enforcer.kill()
    enforcer = runEnforcer(wire.server.namespace)
    expect(await enforcer.start()).toHaveLength(100_001)
    expect((await enforcer.verify()).state).toBe('ok')
  })
})

describe('a live connection of a blocked address', () => {
  test.each(['ip4', 'ip6'] as const)('is destroyed (%s)', async (ip) => {
    await enforcer.start()
    listen(wire.client.start(process.execPath, support('tcp-caller.ts'), wire.server[ip], port))
    await said(heard, 'open')
    await enforcer.block(wire.client[ip], 600)
    expect(await enforcer.closeSockets(wire.client[ip])).toBe(1)
    await said(heard, 'closed')
    expect(await enforcer.closeSockets(wire.client[ip])).toBe(0)
  })

  test('is destroyed with all others of its range, and those of strangers stay', async () => {
    await enforcer.start()
    const here = listen(wire.server.start(process.execPath, support('tcp-caller.ts'), '127.0.0.1', port))
    await said(here, 'open')
    for (const ip of ['ip4', 'ip6'] as const) {
      wire.client.start(process.execPath, support('tcp-caller.ts'), wire.server[ip], port)
    }
    await eventually(() => heard.filter((line) => line.startsWith('open')).length === 3, 3000)
    const range = `${wire.client.ip4.split('.').slice(0, 3).join('.')}.0/24`
    expect(await enforcer.closeSockets(range)).toBe(1)
    await said(heard, 'closed')
    await sleep(100)
    expect(heard.filter((line) => line.startsWith('closed'))).toHaveLength(1)
    expect(here).toEqual(['open'])
  })
})
