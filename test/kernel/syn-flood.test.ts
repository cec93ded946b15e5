import { readFileSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect } from 'vitest'
import type { Alert, Block } from '#contract/schemas.ts'
import { removeFolder, startDaemon, type TestDaemon, until } from '../support/daemon.ts'
import { type Lan, layLan, type NamespaceHost } from '../support/namespaces.ts'
import { testWith } from '../support/needs.ts'
import { answeredCalls, serve } from '../support/service.ts'

/** SYNs of random sources, as many as hping3 can send, at a port that people use. */
const test = testWith('root', 'ip', 'nft', 'nmap', 'hping3')
const SERVICE = 8080
const CALLS = 60
const MOST_MEGABYTES = 800

let lan: Lan
let server: NamespaceHost
let flooder: NamespaceHost
let user: NamespaceHost
let scanner: NamespaceHost
let daemon: TestDaemon

beforeEach(async () => {
  lan = layLan([1, 2, 3, 4])
  ;[server, flooder, user, scanner] = lan.hosts as [
    NamespaceHost,
    NamespaceHost,
    NamespaceHost,
    NamespaceHost,
  ]
  // Answers to the random sources have somewhere to go.
  server.run('ip', 'route', 'add', 'default', 'via', flooder.ip4)
  await serve(server, SERVICE)
})

afterEach(async () => {
  await daemon?.stop()
  if (daemon) removeFolder(daemon.folder)
  lan.remove()
})

const answered = (): number => answeredCalls(user, server.ip4, SERVICE, CALLS)

/** Ends with the wire. */
function flood() {
  const command = `exec hping3 -q -S -p ${SERVICE} --rand-source --flood ${server.ip4} >/dev/null 2>&1`
  return flooder.start('sh', '-c', command)
}

const received = (): number =>
  Number(server.run('cat', `/sys/class/net/${server.link}/statistics/rx_packets`))

const alerts = (): Alert[] => daemon.ask<{ items: Alert[] }>('alerts').items
const blocked = (): string[] => daemon.ask<Block[]>('block', 'list').map(({ target }) => target)
const megabytes = (): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${daemon.process.pid}/status`, 'utf8'))?.[1]) / 1024

describe('a SYN flood from random sources', () => {
  test('at a kernel without SYN cookies: the port is guarded, people get through, a scan is found', async () => {
    server.run('sysctl', '-qw', 'net.ipv4.tcp_syncookies=0')
    daemon = await startDaemon({ namespace: server.namespace, hasPage: true })
    const attack = flood()
    await until('the port is guarded', () => alerts().some(isGuarded), 30_000)

    const [packets, startedAt] = [received(), performance.now()]
    const calls = answered()
    const rate = ((received() - packets) / (performance.now() - startedAt)) * 1000
    process.stdout.write(
      `${Math.round(rate)} packets/s of a flood: ${calls} of ${CALLS} calls answered, ` +
        `${Math.round(megabytes())} MB\n`,
    )
    expect(rate).toBeGreaterThan(1_000)
    expect(calls).toBeGreaterThanOrEqual(CALLS * 0.95)
    expect(megabytes()).toBeLessThan(MOST_MEGABYTES)
    expect(pageAnswers()).toBe(200)

    scanner.run('nmap', '-n', '-Pn', '-sS', '-T4', '--host-timeout', '8s', '-p', '1-100', server.ip4)
    await until('the scanner is blocked', () => blocked().includes(scanner.ip4), 30_000)
    attack.kill('SIGKILL')
    expect(blocked()).toEqual([scanner.ip4])
  }, 300_000)

  test('at a kernel with SYN cookies: the alert says so, and people get through', async () => {
    daemon = await startDaemon({ namespace: server.namespace })
    const attack = flood()
    const hasCookies = ({ response }: Alert) => response.includes('SYN cookies')
    await until('it is told', () => alerts().some(hasCookies), 30_000)
    expect(answered()).toBeGreaterThanOrEqual(CALLS * 0.95)
    attack.kill('SIGKILL')
    expect(server.run('nft', 'list', 'tables')).not.toContain('gatehouse_shield')
  }, 300_000)
})

const isGuarded = ({ response }: Alert): boolean => response.includes(`Port ${SERVICE} is behind a SYN proxy`)

/** The status of the page's answer. */
function pageAnswers(): number {
  const port = /:(\d+)\//.exec(daemon.link)?.[1]
  const script = `console.log((await fetch('http://127.0.0.1:${port}/')).status)`
  return Number(server.run(process.execPath, '--input-type=module', '-e', script))
}
