import { describe, expect, test } from 'vitest'
import { fields } from '../../../test/support/frames.ts'
import { range, type Scene, scene } from '../../../test/support/scene.ts'

const [ROUTER, ROGUE, CLIENT] = ['192.0.2.1', '192.0.2.66', '192.0.2.50']
const MINUTE = 60_000
const of = ({ findings }: Scene, id: string) => findings.filter(({ detector }) => detector === id)
const bytes = (address: string): number[] => address.split('.').map(Number)

/** A DHCP reply of a type (2 offer, 5 acknowledgement) with its options. */
function reply(type: number, server: string, dns: readonly string[]): Uint8Array {
  const addresses = dns.flatMap(bytes)
  return Uint8Array.from([
    2,
    ...new Uint8Array(235),
    ...fields([0x63825363, 4]),
    ...[53, 1, type, 54, 4, ...bytes(server), 0, 6, addresses.length, ...addresses, 255],
  ])
}

const offer = (net: Scene, server: string, dns: readonly string[] = [server], type = 2): void =>
  net.say({
    from: `${server}:67`,
    to: '255.255.255.255:68',
    protocol: 'udp',
    payload: reply(type, server, dns),
  })

describe('a DHCP server', () => {
  test('beside the first is a warning', () => {
    const net = scene()
    for (const _ of range(3)) offer(net, ROUTER)
    expect(net.findings).toEqual([])
    for (const _ of range(3)) offer(net, ROGUE, [ROUTER])
    expect(of(net, 'rogue-dhcp')).toHaveLength(1)
    expect(of(net, 'rogue-dhcp')[0]).toMatchObject({ kind: 'second', severity: 'medium', subject: ROGUE })
  })

  test('that is not listed is severe, though it was there first', () => {
    const net = scene({ 'rogue-dhcp': { servers: [ROUTER] } })
    for (const server of [ROGUE, ROUTER, ROGUE]) offer(net, server)
    expect(of(net, 'rogue-dhcp').map(({ kind, severity, subject }) => [kind, severity, subject])).toEqual([
      ['unlisted', 'high', ROGUE],
    ])
  })

  test('is not who asks, nor what is cut short', () => {
    const net = scene({ 'rogue-dhcp': { servers: [ROUTER] } })
    net.say({ from: `${CLIENT}:68`, to: '255.255.255.255:67', protocol: 'udp', payload: 300 })
    for (const length of [0, 239, 241, 244, 250]) {
      net.say({
        from: `${ROGUE}:67`,
        to: `${CLIENT}:68`,
        protocol: 'udp',
        payload: reply(2, ROGUE, []).slice(0, length),
      })
    }
    expect(of(net, 'rogue-dhcp').length).toBeLessThanOrEqual(1)
    expect(net.watch.detection.health().every(({ state }) => state === 'ok')).toBe(true)
  })
})

describe('a changed DNS server', () => {
  test('is told when DHCP hands out another', () => {
    const net = scene()
    offer(net, ROUTER, ['192.0.2.53'], 5)
    offer(net, ROUTER, ['192.0.2.53'], 5)
    expect(net.findings).toEqual([])
    offer(net, ROUTER, ['203.0.113.53', '203.0.113.54'], 5)
    expect(of(net, 'dns-server-change')[0]).toMatchObject({
      ...{ kind: 'dhcp', severity: 'medium', subject: ROUTER },
      evidence: { hosts: ['203.0.113.53', '203.0.113.54'] },
    })
  })

  const ask = (net: Scene, server: string, times: number): void => {
    for (const _ of range(times)) {
      net.udpAnswered({ from: CLIENT, to: server, port: 53 })
      net.pass(2_000)
    }
  }

  test('is told when a client goes over to another', () => {
    const net = scene()
    ask(net, ROUTER, 5)
    net.pass(11 * MINUTE)
    ask(net, ROUTER, 50)
    ask(net, '203.0.113.53', 6)
    expect(of(net, 'dns-server-change')).toHaveLength(1)
    expect(of(net, 'dns-server-change')[0]).toMatchObject({
      ...{ kind: 'client', severity: 'medium', subject: CLIENT, evidence: { hosts: ['203.0.113.53'] } },
      because: 'detectors.dns-server-change.answers = 5',
    })
  })

  test('is not told of a look-up elsewhere, nor of a server that asks all the world', () => {
    const net = scene()
    ask(net, ROUTER, 5)
    net.pass(11 * MINUTE)
    ask(net, '203.0.113.53', 3)
    expect(net.findings).toEqual([])

    const other = scene()
    for (const n of range(20)) ask(other, `203.0.113.${n}`, 1)
    other.pass(11 * MINUTE)
    ask(other, '198.51.100.1', 20)
    expect(of(other, 'dns-server-change')).toEqual([])
  })
})
