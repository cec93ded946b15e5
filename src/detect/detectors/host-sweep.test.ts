import { describe, expect, test } from 'vitest'
import { arp, deliver, ETHERTYPE, ethernet } from '../../../test/support/frames.ts'
import { range, type Scene, scene } from '../../../test/support/scene.ts'

const SWEEPER = '192.0.2.9'
const host = (number: number): string => `198.51.100.${number}`
const kinds = ({ findings }: Scene) =>
  findings.map(({ detector, kind, subject, severity }) => [detector, kind, subject, severity])
const aim = (number: number, port = 22) => ({
  ...{ from: SWEEPER, to: host(number), port },
  ...{ sourcePort: 44_444, options: 4 },
})

describe('a sweep is found', () => {
  test('by the sixth host that refuses', () => {
    const net = scene()
    for (const number of range(6)) net.refused(aim(number))
    expect(kinds(net)).toEqual([['host-sweep', 'syn', SWEEPER, 'high']])
    expect(net.findings[0]).toMatchObject({
      technique: 'T1018',
      because: 'detectors.host-sweep.refusedHosts = 6',
      evidence: { count: 6, ports: [22], hosts: range(6).map(host) },
    })
    expect(net.findings[0]?.victim).toBeUndefined()
  })

  test('by the sixth host whose open port it tries half-open', () => {
    const net = scene()
    for (const number of range(6)) net.halfOpen(aim(number))
    expect(kinds(net)).toEqual([['host-sweep', 'syn', SWEEPER, 'high']])
  })

  test('by hosts that are silent for a second', () => {
    const net = scene()
    for (const number of range(25)) net.silent(aim(number))
    expect(net.findings).toEqual([])
    net.pass(2000)
    expect(net.findings[0]).toMatchObject({
      because: 'detectors.host-sweep.silentHosts = 20',
      severity: 'high',
    })
  })

  test('connect, by the SYN of a real stack', () => {
    const net = scene()
    for (const number of range(6)) net.refused({ ...aim(number), options: 20 })
    expect(kinds(net)).toEqual([['host-sweep', 'connect', SWEEPER, 'high']])
  })

  test('udp, by port unreachable', () => {
    const net = scene()
    for (const number of range(6)) net.udpRefused({ ...aim(number), port: 161 })
    expect(kinds(net)).toEqual([['host-sweep', 'udp', SWEEPER, 'high']])
  })

  test('ping, but recorded only', () => {
    const net = scene()
    for (const number of range(30)) net.say({ from: SWEEPER, to: host(number), protocol: 'icmp' })
    net.pass(2000)
    expect(kinds(net)).toEqual([['host-sweep', 'ping', SWEEPER, 'medium']])
  })

  test('arp, but recorded only: routers ask for whomever strangers look for', () => {
    const net = scene()
    const ask = (number: number, at: number): void =>
      deliver(
        net.watch.sink,
        ethernet(arp(1, [2, 0, 0, 0, 0, 9], SWEEPER, host(number)), { type: ETHERTYPE.arp }),
        at,
      )
    const start = Date.UTC(2026, 0, 1)
    for (const number of range(30)) ask(number, start + number)
    net.watch.tick(start + 2000)
    expect(kinds(net)).toEqual([['host-sweep', 'arp', SWEEPER, 'medium']])
    expect(net.findings[0]?.evidence).toMatchObject({ count: 30, hosts: range(30).map(host) })
  })
})

describe('nobody is blamed who', () => {
  const quiet = (act: (net: Scene) => void): void => {
    const net = scene()
    act(net)
    net.pass(5000)
    expect(net.findings).toEqual([])
  }

  test('reads the web', () =>
    quiet((net) => {
      for (const number of range(200)) net.connects({ from: SWEEPER, to: host(number), port: 443 })
    }))

  test('reads the web behind a filter that refuses advertisers', () =>
    quiet((net) => {
      for (const number of range(60)) {
        net.connects({ from: SWEEPER, to: host(number), port: 443 })
        if (number % 3 === 0) net.refused({ from: SWEEPER, to: host(number + 100), port: 443 })
      }
    }))

  test('resolves names, some at servers that are gone', () =>
    quiet((net) => {
      for (const number of range(100)) {
        net.udpAnswered({ from: SWEEPER, to: host(number), port: 53 })
        if (number % 4 === 0) net.udpSilent({ from: SWEEPER, to: host(number + 100), port: 53 })
      }
    }))

  test('checks the health of many machines half-open, as load balancers do', () =>
    quiet((net) => {
      for (const number of range(30)) net.halfOpen({ from: SWEEPER, to: host(number), port: 8080 })
    }))

  test('wakes up and finds its connections gone', () =>
    quiet((net) => {
      for (const number of range(40)) net.refused({ from: SWEEPER, to: host(number), port: 443, flags: 'FA' })
    }))

  test('is a server of many clients', () =>
    quiet((net) => {
      for (const number of range(200)) net.refused({ from: host(number), to: SWEEPER, port: 25 })
    }))
})

test('a host that looks for peers everywhere is recorded, not more', () => {
  const net = scene()
  for (const number of range(60)) net.silent({ from: SWEEPER, to: host(number), port: 20_000 + 7 * number })
  for (const number of range(90, 61)) net.silent({ from: SWEEPER, to: host(number), port: 6881 })
  net.pass(2000)
  expect(kinds(net)).toEqual([['host-sweep', 'connect', SWEEPER, 'medium']])
})
