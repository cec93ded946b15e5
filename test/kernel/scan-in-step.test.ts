import { execFileSync } from 'node:child_process'
import { afterEach, beforeEach, describe, expect } from 'vitest'
import type { Alert, Block } from '#contract/schemas.ts'
import { removeFolder, startDaemon, type TestDaemon, until } from '../support/daemon.ts'
import { type Lan, layLan, type NamespaceHost } from '../support/namespaces.ts'
import { testWith } from '../support/needs.ts'
import { answeredCalls, serve } from '../support/service.ts'

/** nmap -D, a real one, with five innocents of whom some live, against the whole product. */
const test = testWith('root', 'ip', 'nft', 'nmap')
const PORTS = 120
const SERVICE = 8080

let lan: Lan
let server: NamespaceHost
let scanner: NamespaceHost
let innocent: NamespaceHost
let daemon: TestDaemon

beforeEach(async () => {
  lan = layLan([1, 2, 11, 12])
  ;[server, scanner, innocent] = lan.hosts as [NamespaceHost, NamespaceHost, NamespaceHost]
  await serve(server, SERVICE)
})

afterEach(async () => {
  await daemon?.stop()
  if (daemon) removeFolder(daemon.folder)
  lan.remove()
})

const net = (last: number): string => server.ip4.replace(/\.\d+$/, `.${last}`)

/** Answers the ports that nmap thinks open, and how many it says are closed. */
function scan(decoys: readonly string[]) {
  const names = [...decoys.slice(0, 4), 'ME', ...decoys.slice(4)].join(',')
  const pace = ['-T4', '--max-retries', '1', '--host-timeout', '8s', '-p', `${SERVICE},1-${PORTS}`]
  const report = scanner.run('nmap', '-n', '-Pn', '-sS', ...pace, '-D', names, server.ip4)
  const open = [...report.matchAll(/^(\d+)\/tcp +open /gm)].length
  const closed = Number(/(\d+) closed tcp ports/.exec(report)?.[1] ?? 0)
  return { open, closed, listed: [...report.matchAll(/^\d+\/tcp +closed /gm)].length }
}

const blocked = (): string[] => daemon.ask<Block[]>('block', 'list').map(({ target }) => target)
const alerts = (): Alert[] => daemon.ask<{ items: Alert[] }>('alerts').items
/** For whoever reads that this failed. */
const told = (): string =>
  alerts()
    .map(({ summary, at }) => `${at} ${summary}`)
    .join('\n')

describe('nmap -D with five innocents', () => {
  test('on one link: the scanner is blocked, by his own name alone', async () => {
    daemon = await startDaemon({ namespace: server.namespace })
    const decoys = [11, 12, 13, 14, 15].map(net)
    const { closed, listed } = scan(decoys)
    await until('somebody is blocked', () => blocked().length > 0)
    expect(blocked(), told()).toEqual([scanner.ip4])
    expect(closed + listed).toBeLessThanOrEqual(PORTS * 0.2)
    expect(answeredCalls(innocent, server.ip4, SERVICE, 20)).toBe(20)
    expect(alerts().filter(({ subject }) => decoys.includes(subject))).toEqual([])
  })

  test('on one link, by rarer scans and by IPv6: he is blamed and blocked, and nobody else', async () => {
    daemon = await startDaemon({ namespace: server.namespace })
    const decoys = [11, 12, 13, 14, 15]
    const names = [...decoys.map(net), 'ME'].join(',')
    const names6 = [...decoys.map((last) => server.ip6.replace(/::.*/, `::${last}`)), 'ME'].join(',')
    const pace = ['-n', '-Pn', '-T4', '--host-timeout', '8s', '--max-retries', '0']
    const rare = (...options: string[]) => scanner.run('nmap', ...pace, ...options, '-D', names, server.ip4)
    const blamed = () => alerts().filter(({ severity, blame }) => severity === 'high' && blame !== 'nobody')
    const tells = (detector: string) =>
      blamed().some((alert) => alert.detector === detector && alert.subject === scanner.ip4)
    // First, for it needs answers.
    rare('-O', '--max-os-tries', '1', '-p', `${SERVICE},9`)
    await until('he is blocked for it', () => blocked().length > 0)
    rare('-sO', '-p', '140-250')
    rare('-sY', '-p', '1-40')
    scanner.run('nmap', '-6', ...pace, '-sS', '-p', '1-60', '-D', names6, server.ip6)
    await until('he is blocked by IPv6', () => blocked().length > 1)
    for (const detector of ['os-fingerprint', 'protocol-scan', 'sctp-scan']) {
      await until(`${detector} tells of him`, () => tells(detector))
    }
    const others = blamed().filter(({ subject }) => subject !== scanner.ip4 && subject !== scanner.ip6)
    expect(others, told()).toEqual([])
    expect(blocked().sort(), told()).toEqual([scanner.ip4, scanner.ip6].sort())
    expect(answeredCalls(innocent, server.ip4, SERVICE, 20)).toBe(20)
  })

  test('behind a router: nobody is blocked, every port looks open, and the innocent get through', async () => {
    behindRouter()
    daemon = await startDaemon({ namespace: server.namespace })
    const decoys = [innocent.ip4, net(99), '203.0.113.3', '203.0.113.4', '203.0.113.5']
    const { open, closed, listed } = scan(decoys)
    await until('it is told', () => alerts().some(({ kind }) => kind === 'decoys'))
    expect(blocked(), told()).toEqual([])
    expect(closed + listed).toBeLessThanOrEqual(PORTS * 0.2)
    expect(open).toBeGreaterThan(PORTS * 0.8)
    expect(alerts().find(({ kind }) => kind === 'decoys')).toMatchObject({
      blame: 'nobody',
      severity: 'high',
    })
    expect(answeredCalls(innocent, server.ip4, SERVICE, 20)).toBe(20)
    expect(answeredCalls(scanner, server.ip4, SERVICE, 20)).toBe(20)
  })
})

/** The scanner has a network of its own, and the fourth host is the router between it and the server. */
function behindRouter(): void {
  const [, , , router] = lan.hosts as [NamespaceHost, NamespaceHost, NamespaceHost, NamespaceHost]
  const [far, between] = [scanner.namespace, router.namespace]
  const ip = (...args: string[]) => execFileSync('ip', args)
  ip('-n', far, 'link', 'del', scanner.link)
  ip('link', 'add', 'gh1', 'netns', between, 'type', 'veth', 'peer', 'name', 'gh1', 'netns', far)
  ip('-n', between, 'addr', 'add', '198.51.100.1/24', 'dev', 'gh1')
  ip('-n', far, 'addr', 'add', '198.51.100.66/24', 'dev', 'gh1')
  for (const name of [between, far]) ip('-n', name, 'link', 'set', 'gh1', 'up')
  ip('-n', far, 'route', 'add', 'default', 'via', '198.51.100.1')
  ip('-n', server.namespace, 'route', 'add', 'default', 'via', router.ip4)
  router.run('sysctl', '-qw', 'net.ipv4.ip_forward=1')
}
