import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect } from 'vitest'
import { type GuardedWire, layGuardedWire, listen, said } from '../support/guarded-wire.ts'
import type { NamespaceHost } from '../support/namespaces.ts'
import { testWith } from '../support/needs.ts'

/** The brake alone: nobody detects or blocks here, so what a scan learns is what the kernel lets out. */
const test = testWith('root', 'ip', 'nft', 'nmap')
const BURST = 12
const PER_SECOND = 10
const SUPPORT = fileURLToPath(new URL('../support/', import.meta.url))

let wire: GuardedWire

beforeEach(async () => {
  wire = await layGuardedWire()
  await wire.enforcer.start()
})

afterEach(() => wire.end())

interface Learnt {
  readonly ports: number
  /** As many as the brake lets out in the time that the scan took. */
  readonly most: number
}

/** nmap as it scans a near host, and does not wait long for ports that are silent. */
function scan(from: NamespaceHost, how: string, address: string): Learnt {
  const family = address.includes(':') ? ['-6'] : []
  const pace = ['-T4', '--max-retries', '0', '--max-rtt-timeout', '100ms']
  const startedAt = performance.now()
  const report = from.run('nmap', ...family, '-n', '-Pn', how, ...pace, address)
  const seconds = (performance.now() - startedAt) / 1_000
  const ports =
    Number(/(\d+) (?:closed|unfiltered) (?:tcp|udp) ports/.exec(report)?.[1] ?? 0) +
    [...report.matchAll(/^\d+\/(?:tcp|udp) +(?:closed|unfiltered)/gm)].length
  return { ports, most: Math.ceil(BURST + PER_SECOND * seconds) }
}

/** How connections end: `ECONNREFUSED 100`. */
const knock = (from: NamespaceHost, address: string, port: string, count: number): string =>
  from.run(process.execPath, `${SUPPORT}reset-counter.ts`, address, port, String(count)).trim()

describe('a scan of 1,000 ports learns what the brake lets out', () => {
  test.each([
    ['-sS', 'ip4'],
    ['-sT', 'ip4'],
    ['-sF', 'ip4'],
    ['-sN', 'ip4'],
    ['-sX', 'ip4'],
    ['-sS', 'ip6'],
  ] as const)('nmap %s by %s', (how, family) => {
    const { ports, most } = scan(wire.client, how, wire.server[family])
    process.stdout.write(`nmap ${how} ${family}: ${ports} ports learnt, without any block\n`)
    expect(ports).toBeGreaterThanOrEqual(BURST)
    expect(ports).toBeLessThanOrEqual(most)
  })

  test('also through a router, from each of the hosts behind it', () => {
    const beyond = `${wire.server.namespace}x`
    const ip = (...words: string[]) => execFileSync('ip', words)
    ip('netns', 'add', beyond)
    try {
      ip('link', 'add', 'gh1', 'netns', wire.server.namespace, 'type', 'veth', 'peer', 'gh0', 'netns', beyond)
      ip('-n', wire.server.namespace, 'addr', 'add', '172.31.8.1/24', 'dev', 'gh1')
      ip('-n', wire.server.namespace, 'link', 'set', 'gh1', 'up')
      for (const last of [2, 3]) ip('-n', beyond, 'addr', 'add', `172.31.8.${last}/24`, 'dev', 'gh0')
      ip('-n', beyond, 'link', 'set', 'gh0', 'up')
      ip('-n', beyond, 'route', 'add', 'default', 'via', '172.31.8.1')
      ip('-n', wire.client.namespace, 'route', 'add', '172.31.8.0/24', 'via', wire.server.ip4)
      wire.server.run('sysctl', '-q', '-w', 'net.ipv4.ip_forward=1')
      const { ports, most } = scan(wire.client, '-sS', '172.31.8.2')
      expect(ports).toBeLessThanOrEqual(most)
      expect(ports).toBeGreaterThanOrEqual(BURST)
      // One is not held back because of another.
      expect(knock(wire.client, '172.31.8.3', '9', 10)).toBe('ECONNREFUSED 10')
    } finally {
      ip('netns', 'del', beyond)
    }
  })

  test.each(['ip4', 'ip6'] as const)('UDP by %s: the kernel itself is slow to refuse', (family) => {
    const { ports } = scan(wire.client, '-sU', wire.server[family])
    process.stdout.write(`nmap -sU ${family}: ${ports} ports learnt, without any block\n`)
    expect(ports).toBeLessThanOrEqual(100)
  })
})

describe('the brake leaves alone', () => {
  test('connections that are aborted, however many at once', async () => {
    const lines = listen(wire.server.start(process.execPath, `${SUPPORT}resetting-server.ts`, '100'))
    const port = (await said(lines, 'listening')).split(' ')[1] ?? ''
    expect(knock(wire.client, wire.server.ip4, port, 100)).toBe('ECONNRESET 100')
  })

  test('a client that is refused: its other connections open', () => {
    expect(knock(wire.client, wire.server.ip4, '9', 12)).toBe('ECONNREFUSED 12')
    scan(wire.client, '-sS', wire.server.ip4)
    expect(wire.call(wire.client, wire.server.ip4)).toBe('open')
  })

  test('a client that knocks ten times at once: it is told at once', async () => {
    expect(knock(wire.client, wire.server.ip4, '9', 10)).toBe('ECONNREFUSED 10')
    expect(await wire.enforcer.verify()).toMatchObject({ note: expect.not.stringContaining('held back') })
  })

  test('what is refused over the burst: it learns by knocking again', () => {
    expect(knock(wire.client, wire.server.ip4, '9', 18)).toBe('ECONNREFUSED 18')
  })

  test.each(['127.0.0.1', 'its own address'])('programs of this machine that knock at %s', (where) => {
    const address = where === '127.0.0.1' ? where : wire.server.ip4
    expect(knock(wire.server, address, '9', 200)).toBe('ECONNREFUSED 200')
  })

  test('everybody, once the set of pairs is full', () => {
    const pairs = Array.from({ length: 65_535 }, (_, at) => `11.0.0.1 . 11.1.${at >> 8}.${at & 255}`)
    const script = pairs.map((pair) => `${pair} timeout 60s`).join(',')
    execFileSync('ip', ['netns', 'exec', wire.server.namespace, 'nft', '-f', '-'], {
      input: `add element inet gatehouse refused4 { ${script} }`,
    })
    expect(scan(wire.client, '-sS', wire.server.ip4).ports).toBeGreaterThan(900)
  })
})

test('nft shows the brake as people would write it, and health counts what it held back', async () => {
  const { ports } = scan(wire.client, '-sS', wire.server.ip4)
  const { state, note } = (await wire.enforcer.verify()) as { state: string; note: string }
  expect(state).toBe('ok')
  const held = Number(/; (\d+) answers of closed ports held back/.exec(note)?.[1])
  expect(held).toBeGreaterThan(900)
  expect(held + ports).toBeLessThanOrEqual(1_010)
  const listed = wire.nft('list', 'chain', 'inet', 'gatehouse', 'output')
  expect(listed).toMatch(
    /oif != "lo" tcp flags rst,ack \/ fin,syn,rst,ack tcp sequence 0 update @refused4 \{ ip saddr \. ip daddr limit rate over 10\/second burst 12 packets \} counter packets \d+ bytes \d+ drop/,
  )
  expect(listed).toContain('update @refused6 { ip6 saddr . ip6 daddr limit rate over 10/second')

  // The count goes on when the table is put back.
  wire.nft('delete', 'table', 'inet', 'gatehouse')
  await expect
    .poll(async () => JSON.stringify(await wire.enforcer.verify()))
    .toMatch(/another program changed it once/)
  expect(((await wire.enforcer.verify()) as { note: string }).note).toContain(`${held} answers`)
})

test('a kernel that cannot slow refusals blocks all the same, and health says so', async () => {
  // No kernel takes a limit of nothing per second: it refuses the rule, and with it the whole table.
  await wire.restartEnforcer({ wrapper: ['env', 'REFUSALS_PER_SECOND=0'] })
  await wire.enforcer.start()
  const { state, note } = (await wire.enforcer.verify()) as { state: string; note: string }
  expect(state).toBe('ok')
  expect(note).toContain('this kernel cannot slow refusals')
  expect(await wire.enforcer.block(wire.client.ip4)).toBe(true)
  expect(wire.call(wire.client, wire.server.ip4)).toBe('failed TIMEOUT')
  expect(wire.nft('list', 'table', 'inet', 'gatehouse')).not.toContain('refused4')
})
