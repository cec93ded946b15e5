import { describe, expect, test } from 'vitest'
import { deliver, ethernet, fields, icmp, ipv6 } from '../../../test/support/frames.ts'
import { range, type Scene, scene } from '../../../test/support/scene.ts'
import { ip, ipBytes } from '../../model/address.ts'

const [GATEWAY, ROGUE, CLIENT] = ['192.0.2.1', '192.0.2.66', '192.0.2.50']
const bytes = (address: string): number[] => address.split('.').map(Number)
const told = ({ findings }: Scene) =>
  findings
    .filter(({ detector }) => detector === 'gateway-redirect')
    .map(({ kind, severity, summary }) => `${kind} ${severity}: ${summary}`)

/** A DHCP acknowledgement with this router. */
function handOut(net: Scene, router: string): void {
  const payload = Uint8Array.from([
    ...[2, ...new Uint8Array(235), ...fields([0x63825363, 4])],
    ...[53, 1, 5, 54, 4, ...bytes(GATEWAY), 3, 4, ...bytes(router), 255],
  ])
  net.say({ from: `${GATEWAY}:67`, to: '255.255.255.255:68', protocol: 'udp', payload })
}

const redirect = (net: Scene, to: string): void =>
  net.say({
    ...{ from: GATEWAY, to: CLIENT, protocol: 'icmp', type: 5, code: 1, payload: 28 },
    word: bytes(to).reduce((sum, byte) => sum * 256 + byte, 0),
  })

test('another gateway from DHCP is a warning', () => {
  const net = scene()
  for (const _ of range(3)) handOut(net, GATEWAY)
  expect(told(net)).toEqual([])
  handOut(net, ROGUE)
  expect(told(net)).toEqual([
    'dhcp medium: DHCP server 192.0.2.1 hands out the gateway 192.0.2.66, and no more 192.0.2.1',
  ])
})

test('a redirect is a warning, told once in ten minutes, and nobody is blamed', () => {
  const net = scene()
  for (const _ of range(20)) redirect(net, ROGUE)
  expect(told(net)).toEqual(['redirect medium: 192.0.2.1 tells hosts to send by way of 192.0.2.66'])
  expect(net.findings[0]).toMatchObject({ blame: 'nobody', spoofable: true, technique: 'T1557' })
})

test('a redirect over IPv6 too, but not one from afar or cut short', () => {
  const net = scene()
  const send = (ttl: number, length = 32): void => {
    const rest = Uint8Array.from([...ipBytes(ip('fe80::66')), ...ipBytes(ip('2001:db8::7'))]).subarray(
      0,
      length,
    )
    const message = ipv6(icmp(137, 0, rest), { source: 'fe80::1', target: 'fe80::50', protocol: 58, ttl })
    deliver(net.watch.sink, ethernet(message), Date.UTC(2026, 0, 1))
  }
  send(64)
  send(255, 15)
  expect(told(net)).toEqual([])
  send(255)
  expect(told(net)).toEqual(['redirect medium: fe80::1 tells hosts to send by way of fe80::66'])
})

describe('where the gateways are named', () => {
  const named = { 'gateway-redirect': { gateways: [GATEWAY] } }

  test('another is severe from the first word on', () => {
    const net = scene(named)
    handOut(net, ROGUE)
    redirect(net, ROGUE)
    expect(told(net).map((text) => text.split(':')[0])).toEqual(['dhcp high', 'redirect high'])
  })

  test('they themselves are no news', () => {
    const net = scene(named)
    handOut(net, GATEWAY)
    redirect(net, GATEWAY)
    expect(told(net)).toEqual([])
  })
})

test('a flood of redirects takes no room', () => {
  const net = scene()
  for (const n of range(500)) redirect(net, `10.0.${n >> 8}.${n & 255}`)
  expect(told(net).length).toBeLessThanOrEqual(64)
  expect(net.watch.detection.health().every(({ state }) => state === 'ok')).toBe(true)
})
