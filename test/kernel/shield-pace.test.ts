import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect } from 'vitest'
import type { Alert, Page } from '#contract/schemas.ts'
import { removeFolder, startDaemon, type TestDaemon, until } from '../support/daemon.ts'
import { type Lan, layLan, type NamespaceHost } from '../support/namespaces.ts'
import { testWith } from '../support/needs.ts'

/** UDP from forged sources at a port that a program has: on this machine, and behind it. */
const test = testWith('root', 'ip', 'nft', 'hping3')
const SUPPORT = fileURLToPath(new URL('../support/', import.meta.url))
const PORT = 9_999
const PER_SECOND = 10

let lan: Lan
let server: NamespaceHost
let gateway: NamespaceHost
let client: NamespaceHost
let daemon: TestDaemon | undefined

beforeEach(() => {
  lan = layLan([1, 2, 3])
  ;[server, gateway, client] = lan.hosts as [NamespaceHost, NamespaceHost, NamespaceHost]
})

afterEach(async () => {
  await daemon?.stop()
  if (daemon) removeFolder(daemon.folder)
  daemon = undefined
  lan.remove()
})

const begun = (host: NamespaceHost, ...words: string[]): Promise<string> => {
  const child = host.start(process.execPath, ...words)
  return new Promise((resolve) => child.stdout?.once('data', (bytes: Buffer) => resolve(`${bytes}`.trim())))
}

/** A conversation that goes on by itself: what it heard since it began. */
function conversation(from: NamespaceHost, address: string) {
  const heard: string[] = []
  const child = from.start(process.execPath, `${SUPPORT}udp-asker.ts`, address, `${PORT}`)
  child.stdout?.on('data', (bytes: Buffer) => heard.push(...`${bytes}`.trim().split('\n')))
  return heard
}

/** Ends with the wire. */
const flood = (from: NamespaceHost, address: string) =>
  from.start('sh', '-c', `exec hping3 -q -2 -p ${PORT} -d 9 --rand-source -i u500 ${address} >/dev/null 2>&1`)

const received = (host: NamespaceHost): number =>
  Number(host.run('cat', `/sys/class/net/${host.link}/statistics/rx_packets`))

/** The conversation loses nothing, and strangers come at about the pace. */
async function expectPaced(heard: readonly string[], flooded: NamespaceHost): Promise<void> {
  const before = received(flooded)
  await until('the flood has begun', () => received(flooded) > before + 500)
  // What waited in the socket from before is read first.
  const known = heard.length
  await until('the backlog is over', () => heard.length > known + 5)
  const [from, packets, startedAt] = [heard.length, received(flooded), performance.now()]
  await expect.poll(() => heard.length, { timeout: 30_000 }).toBeGreaterThan(from + 60)
  const seconds = (performance.now() - startedAt) / 1000
  const answers = heard.slice(from)
  const strangers = Number(answers.at(-1)) - Number(answers[0])
  const came = received(flooded) - packets
  process.stdout.write(
    `${came} packets came in ${seconds.toFixed(1)} s, ${strangers} of strangers got through\n`,
  )
  expect(answers).not.toContain('lost')
  const most = 3 * PER_SECOND * (seconds + 1)
  expect(came).toBeGreaterThan(2 * most)
  expect(strangers).toBeLessThan(most)
}

test('a flood at a port of this machine is held back by the daemon, and who talks with it goes on', async () => {
  await begun(server, `${SUPPORT}udp-counter.ts`, `${PORT}`)
  const config = `detectors: { flood: { udpPerSecond: 100 } }\nshield: { datagramsPerSecond: ${PER_SECOND} }\n`
  daemon = await startDaemon({ namespace: server.namespace, config })
  const guard = daemon
  const heard = conversation(client, server.ip4)
  await until('the conversation has begun', () => heard.length > 2)
  flood(gateway, server.ip4)
  const alerts = (): Alert[] => guard.ask<Page<Alert>>('alerts').items
  await until('it is held back', () => alerts().some(({ response }) => response.includes('UDP port 9999')))
  await expectPaced(heard, server)
  expect(guard.ask<unknown[]>('block', 'list')).toEqual([])

  const place = `${server.ip4}:${PORT}`
  expect(guard.tell('shield')).toMatch(new RegExp(`${place} +UDP, ${PER_SECOND} new packets a second`))
  expect(guard.tell('shield', 'end', place)).toContain(`${place} takes UDP packets at any pace again.`)
  expect(server.run('nft', 'list', 'tables')).not.toContain('gatehouse_shield')
}, 120_000)

test('a flood at a port behind a gateway is held back there, by IPv4', async () => {
  const ip = (...args: string[]) => execFileSync('ip', args)
  ip('-n', client.namespace, 'link', 'del', client.link)
  const ends = ['netns', gateway.namespace, 'type', 'veth', 'peer', 'name', 'gh1', 'netns', client.namespace]
  ip('link', 'add', 'gh1', ...ends)
  for (const [host, last] of [
    [gateway, 1],
    [client, 66],
  ] as const) {
    ip('-n', host.namespace, 'addr', 'add', `198.51.100.${last}/24`, 'dev', 'gh1')
    ip('-n', host.namespace, 'link', 'set', 'gh1', 'up')
  }
  ip('-n', client.namespace, 'route', 'add', 'default', 'via', '198.51.100.1')
  server.run('ip', 'route', 'add', '198.51.100.0/24', 'via', gateway.ip4)
  gateway.run(
    'sysctl',
    '-qw',
    'net.ipv4.ip_forward=1',
    'net.ipv4.conf.all.rp_filter=0',
    'net.ipv4.conf.gh1.rp_filter=0',
  )
  await begun(server, `${SUPPORT}udp-counter.ts`, `${PORT}`)
  const heard = conversation(client, server.ip4)
  await until('the conversation has begun', () => heard.length > 2)
  const places = [`${server.ip4}:${PORT}`, `[${server.ip6}]:${PORT}`]
  expect(await begun(gateway, `${SUPPORT}pace-holder.ts`, `${PER_SECOND}`, ...places)).toBe('up')
  const known = heard.length
  await until('it goes on', () => heard.length > known + 3)
  flood(client, server.ip4)
  await expectPaced(heard, { ...gateway, link: 'gh1' })
}, 120_000)

test('a flood by IPv6 is held back at its pace', async () => {
  await begun(server, `${SUPPORT}udp-counter.ts`, `${PORT}`)
  const heard = conversation(client, server.ip6)
  await until('the conversation has begun', () => heard.length > 2)
  expect(await begun(server, `${SUPPORT}pace-holder.ts`, `${PER_SECOND}`, `[${server.ip6}]:${PORT}`)).toBe(
    'up',
  )
  const known = heard.length
  await until('it goes on', () => heard.length > known + 3)
  gateway.start(process.execPath, `${SUPPORT}udp-sender.ts`, server.ip6, `${PORT}`, 'stranger', '1000000')
  await expectPaced(heard, server)
}, 120_000)
