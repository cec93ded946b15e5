import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect } from 'vitest'
import type { Block } from '#contract/schemas.ts'
import { type TestDaemon, until } from '../support/daemon.ts'
import { type GuardedWire, layGuardedWire } from '../support/guarded-wire.ts'
import type { NamespaceHost } from '../support/namespaces.ts'
import { testWith } from '../support/needs.ts'
import { layRuledServer, type RuledServer } from '../support/ruled-server.ts'

/** What blocks and block lists turn away is written, within a bound. */
const test = testWith('root', 'ip', 'nft', 'ping')
const LISTED = '198.51.100.66'
const FLOOD = 50_000
const PER_SECOND = 40
const SUPPORT = new URL('../support/', import.meta.url).pathname

let end: (() => Promise<void>) | undefined

beforeEach(() => {
  end = undefined
})
afterEach(() => end?.())

const knock = (host: NamespaceHost, address: string, ...words: string[]): string =>
  host.run('sh', '-c', `ping -c 1 -W 1 ${words.join(' ')} ${address} >/dev/null 2>&1 || true`)

function linesIn(folder: string, name: string): string[] {
  const path = join(folder, 'state', 'log', name)
  return existsSync(path) ? readFileSync(path, 'utf8').split('\n').filter(Boolean) : []
}

async function guardedServer(): Promise<{
  served: RuledServer
  daemon: TestDaemon
  restart: () => Promise<void>
}> {
  const served = await layRuledServer()
  end = () => served.end()
  const { server, client } = served.wire
  for (const { namespace } of [server, client]) {
    server.run('ip', '-n', namespace, 'route', 'add', '198.51.100.0/24', 'dev', 'gh0')
  }
  client.run('ip', 'addr', 'add', `${LISTED}/32`, 'dev', 'gh0')
  const list = join(served.folder, 'bad.txt')
  writeFileSync(list, '198.51.100.0/24\n')
  const config = JSON.stringify({
    report: { eve: true, packetsPerSecond: PER_SECOND },
    intel: { lists: [{ id: 'bad', title: 'Bad ones', file: list, format: 'plain', action: 'block' }] },
  })
  const daemon = await served.start('{}', { config })
  return { served, daemon, restart: async () => void (await served.start(undefined, { config })) }
}

test('who is blocked or listed is in firewall.log and eve.json with number, who asked and why, also after kill -9', async () => {
  const { served, daemon, restart } = await guardedServer()
  const { server, client } = served.wire
  const lines = (): string[] => linesIn(served.folder, 'firewall.log')
  const line = (...parts: string[]): string | undefined =>
    lines().find((each) => parts.every((part) => each.includes(part)))
  daemon.tell('block', client.ip4, '--for', '1h', '--reason', 'knocks "again" and\u001b[31m again')
  daemon.tell('block', client.ip6, '--for', '1h', '--reason', 'the sixth')
  const numberOf = (target: string): number =>
    daemon.ask<Block[]>('block', 'list').find((block) => block.target === target)?.decisionId ?? 0
  const [four, six] = [numberOf(client.ip4), numberOf(client.ip6)]

  knock(client, server.ip4)
  knock(client, server.ip6)
  knock(client, server.ip4, '-I', LISTED)
  server.run(process.execPath, `${SUPPORT}tcp-caller.ts`, client.ip4, '81', 'once')
  await until('all of it is written', () =>
    [`src=${client.ip4}`, `src=${client.ip6}`, `src=${LISTED}`, `dst=${client.ip4}`].every((part) =>
      line(part),
    ),
  )
  expect(line(`src=${client.ip4}`)).toMatch(
    new RegExp(
      `BLOCK inbound block=${four} target=${client.ip4} by=\\S+ proto=icmp src=.* dst=${server.ip4} icmp=8/0 .* in=gh0 `,
    ),
  )
  expect(line(`src=${client.ip4}`)).toContain('reason="knocks \\"again\\" and')
  expect(lines().join('\n')).not.toContain('\u001b')
  expect(line(`src=${client.ip6}`)).toMatch(new RegExp(`BLOCK inbound block=${six} .* reason="the sixth"$`))
  expect(line(`src=${LISTED}`)).toMatch(
    /BLOCK inbound block=\d+ target=198\.51\.100\.0\/24 by="list bad" .* reason="on Bad ones"$/,
  )
  expect(line(`dst=${client.ip4}`, 'dport=81')).toMatch(
    new RegExp(`BLOCK outbound block=${four} .* program=${process.execPath} `),
  )
  await until('the event is written', () =>
    linesIn(served.folder, 'eve.json').some((each) => {
      const { event_type, src_ip, gatehouse } = JSON.parse(each)
      return event_type === 'drop' && src_ip === client.ip4 && gatehouse.block.id === four
    }),
  )

  await daemon.kill()
  await restart()
  const before = lines().length
  knock(client, server.ip4)
  await until('what is adopted is written', () =>
    lines()
      .slice(before)
      .some((each) => each.includes(`BLOCK inbound block=${four} target=${client.ip4} `)),
  )
})

test('a flood from a blocked address costs few lines, and each packet is written or counted', async () => {
  const { served, daemon } = await guardedServer()
  const { server, client } = served.wire
  daemon.tell('block', client.ip4, '--for', '1h', '--reason', 'floods')
  const began = performance.now()
  client.run(process.execPath, `${SUPPORT}udp-sender.ts`, server.ip4, '9', 'flood', `${FLOOD}`)
  const lines = (): string[] => linesIn(served.folder, 'firewall.log')
  const written = (): number => lines().filter((line) => line.includes(' BLOCK ')).length
  const more = (): number =>
    lines().reduce((sum, line) => sum + Number(/ MORE packets=(\d+)/.exec(line)?.[1] ?? 0), 0)
  const dropped = (): number => daemon.ask<Block[]>('block', 'list')[0]?.droppedPackets ?? 0
  await until(
    'each packet is written or counted',
    () => dropped() >= FLOOD / 2 && written() + more() === dropped(),
    90_000,
  )
  const seconds = (performance.now() - began) / 1000
  process.stdout.write(`${dropped()} packets: ${written()} lines, ${more()} only counted\n`)
  // A quarter of what is written a second, with twice that at once.
  expect(written()).toBeGreaterThanOrEqual(PER_SECOND / 4)
  expect(written()).toBeLessThanOrEqual((PER_SECOND / 4) * (2 + Math.ceil(seconds)))
})

test('a table as older versions left it is taken over, and writes from then on', async () => {
  const wire: GuardedWire = await layGuardedWire()
  end = () => wire.end()
  const { client, server } = wire
  const table = (): string => wire.nft('list', 'table', 'inet', 'gatehouse')
  await wire.restartEnforcer({ wrapper: ['env', 'BLOCK_LOG=none'] })
  await wire.enforcer.start()
  await wire.enforcer.block(client.ip4, 600, 'anna: noisy')
  expect(wire.call(client, server.ip4)).toBe('failed TIMEOUT')
  const before = (await wire.enforcer.counters())[client.ip4]?.packets ?? 0
  expect(before).toBeGreaterThanOrEqual(1)
  expect(table()).toContain('ip saddr @blocked4 drop')
  expect(table()).not.toContain('turned_away')
  await wire.restartEnforcer()
  expect(await wire.enforcer.start()).toMatchObject([{ target: client.ip4, note: 'anna: noisy' }])
  expect(table()).toContain('ip saddr @blocked4 goto turned_away')
  expect(wire.call(client, server.ip4)).toBe('failed TIMEOUT')
  expect((await wire.enforcer.counters())[client.ip4]?.packets).toBeGreaterThan(before)
  // And back: whoever goes to the older version again finds his blocks.
  await wire.restartEnforcer({ wrapper: ['env', 'BLOCK_LOG=none'] })
  expect(await wire.enforcer.start()).toMatchObject([{ target: client.ip4, note: 'anna: noisy' }])
  expect(table()).not.toContain('turned_away')
  expect(wire.call(client, server.ip4)).toBe('failed TIMEOUT')
  expect(await wire.enforcer.repairs()).toEqual([])
})
