import { describe, expect, test } from 'vitest'
import { deliver, ethernet, icmp, ipv6 } from '../../../test/support/frames.ts'
import { range, scene } from '../../../test/support/scene.ts'
import { ip, ipBytes } from '../../model/address.ts'

const [GATEWAY, CLIENT] = ['fe80::1', 'fe80::50']
const [MAC, OTHER] = [
  [2, 0, 0, 0, 0, 1],
  [2, 0, 0, 0, 0, 66],
]

function link(settings: Readonly<Record<string, unknown>> = {}) {
  const net = scene(settings)
  let at = Date.UTC(2026, 0, 1)
  const send = (from: string, type: number, rest: Uint8Array, word = 0, ttl = 255): void => {
    at += 1000
    const message = ipv6(icmp(type, 0, rest, word), { source: from, target: 'ff02::1', protocol: 58, ttl })
    deliver(net.watch.sink, ethernet(message), at)
  }
  const option = (type: number, mac: readonly number[]) => [type, 1, ...mac]
  return {
    net,
    pass: (milliseconds: number) => {
      at += milliseconds
    },
    /** Says whose link address an address has. */
    advertise: (address: string, mac: readonly number[], ttl?: number) =>
      send(address, 136, Uint8Array.from([...ipBytes(ip(address)), ...option(2, mac)]), 0x60000000, ttl),
    ask: (from: string, mac: readonly number[]) =>
      send(from, 135, Uint8Array.from([...ipBytes(ip(CLIENT)), ...option(1, mac)])),
    /** Hop limit 64, a lifetime in seconds, timers, the link address. */
    route: (from: string, mac: readonly number[], seconds = 1800, ttl?: number) =>
      send(from, 134, Uint8Array.from([...new Uint8Array(8), ...option(1, mac)]), 0x40000000 + seconds, ttl),
    send,
    told: (id: string) =>
      net.findings
        .filter(({ detector }) => detector === id)
        .map(({ kind, severity, subject }) => `${kind} ${severity} ${subject}`),
  }
}

describe('neighbour spoofing over IPv6', () => {
  test('is an address that two hosts claim in turn', () => {
    const { net, ask, advertise, told } = link()
    for (const _ of range(6)) {
      ask(GATEWAY, MAC)
      advertise(GATEWAY, OTHER)
    }
    expect(told('neighbour-spoof').slice(0, 2)).toEqual(['moved medium fe80::1', 'contested high fe80::1'])
    expect(net.findings[0]).toMatchObject({
      ...{ victim: GATEWAY, blame: 'nobody', technique: 'T1557', spoofable: true },
      summary: 'fe80::1 moved from 02:00:00:00:00:01 to 02:00:00:00:00:42',
    })
  })

  test('is severe at once where the address is guarded', () => {
    const { advertise, told } = link({ 'neighbour-spoof': { guarded: ['FE80:0::1'] } })
    advertise(GATEWAY, MAC)
    advertise(GATEWAY, OTHER)
    expect(told('neighbour-spoof')).toEqual(['guarded high fe80::1'])
  })

  test('is not: hosts that keep their address, come from afar, or have none yet', () => {
    const { ask, advertise, told } = link()
    for (const n of range(200)) {
      advertise(`fe80::${n}`, [2, 0, 0, 0, 1, n])
      ask(`fe80::${n}`, [2, 0, 0, 0, 1, n])
      for (const mac of [MAC, OTHER]) ask('::', mac)
      for (const mac of [MAC, OTHER]) advertise(GATEWAY, mac, 64)
      advertise(CLIENT, [0x33, 0x33, 0, 0, 0, n])
    }
    expect(told('neighbour-spoof')).toEqual([])
  })

  test('is not what is cut short or broken', () => {
    const { net, send } = link()
    for (const length of range(40)) {
      for (const type of [134, 135, 136]) send(CLIENT, type, new Uint8Array(length).fill(length % 3))
    }
    expect(net.findings).toEqual([])
    expect(net.watch.detection.health().every(({ state }) => state === 'ok')).toBe(true)
  })
})

describe('an IPv6 router', () => {
  test('beside the first is a warning, told again only after a while', () => {
    const { net, route, pass, told } = link()
    route(GATEWAY, MAC)
    for (const _ of range(20)) route('fe80::66', OTHER)
    expect(told('rogue-router')).toEqual(['second medium fe80::66'])
    expect(net.findings.find(({ detector }) => detector === 'rogue-router')?.summary).toBe(
      'fe80::66 advertises itself as router, beside fe80::1',
    )
    pass(600_000)
    route('fe80::66', OTHER)
    expect(told('rogue-router')).toHaveLength(2)
  })

  test('that is not listed is severe, though it was there first', () => {
    const { route, told } = link({ 'rogue-router': { routers: [GATEWAY] } })
    route('fe80::66', OTHER)
    route(GATEWAY, MAC)
    expect(told('rogue-router')).toEqual(['unlisted high fe80::66'])
  })

  test('whose address somebody else borrows, to say that it is gone, is impersonated', () => {
    const { net, route, told } = link()
    route(GATEWAY, MAC)
    route(GATEWAY, OTHER, 0)
    expect(told('rogue-router')).toEqual(['impersonated high fe80::1'])
    const finding = net.findings.find(({ detector }) => detector === 'rogue-router')
    expect(finding).toMatchObject({ blame: 'nobody', victim: GATEWAY })
    expect(finding?.summary).toContain('02:00:00:00:00:42')
  })

  test('one of hundreds is a flood of them, and costs no memory', () => {
    const { route, told } = link()
    for (const n of range(500)) route(`fe80::${n.toString(16)}`, MAC)
    expect(told('rogue-router').filter((text) => text.startsWith('flood high'))).not.toEqual([])
    expect(told('rogue-router').length).toBeLessThan(100)
  })

  test('is not: the one that was there, one that says it is none, one from afar', () => {
    const { route, told } = link()
    for (const _ of range(100)) route(GATEWAY, MAC)
    route('fe80::77', OTHER, 0)
    route('fe80::78', OTHER, 1800, 64)
    expect(told('rogue-router')).toEqual([])
  })
})
