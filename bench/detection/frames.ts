import { arp, ETHERTYPE, ethernet, said } from '#detect/self-test/frames.ts'
import { dhcpAcknowledgement, redirect } from '#detect/self-test/messages.ts'
import type { Cast } from './scenarios.ts'

/** Frames of attacks for which Debian has no program that runs without a partner: lists of what is sent at once. */

const TIMES = 20
const [MAC, OTHER_MAC] = [
  [2, 0, 0, 0, 7, 1],
  [2, 0, 0, 0, 7, 2],
] as const

const last = (address: string, number: number): string => address.replace(/\.\d+$/, `.${number}`)
type Frames = readonly (readonly Uint8Array[])[]

const repeated = (make: (n: number) => readonly Uint8Array[]): Uint8Array[][] =>
  Array.from({ length: TIMES }, (_, n) => [...make(n)])

/** Two hosts claim one address in turn. */
export const arpLies = ({ server }: Cast): Frames =>
  repeated(() =>
    [MAC, OTHER_MAC].map((mac) =>
      ethernet(arp(2, mac, last(server.ip4, 230), server.ip4), { type: ETHERTYPE.arp, sourceMac: mac }),
    ),
  )

const lease = (server: string, router: string): Uint8Array =>
  said({
    ...{ from: `${server}:67`, to: '255.255.255.255:68', protocol: 'udp' },
    payload: dhcpAcknowledgement(server, router, router),
  })

/** The network's own DHCP server, then the attacker's. */
export const otherLease = ({ server, attacker }: Cast): Frames => {
  const own = last(server.ip4, 230)
  return [...repeated(() => [lease(own, own)]), ...repeated(() => [lease(attacker.ip4, own)])]
}

export const redirects = ({ server, attacker }: Cast): Frames =>
  repeated(() => [redirect(last(server.ip4, 230), server.ip4, attacker.ip4)])

/** The attacker asks a partner outside, and answers come with other data. The server only sees them pass. */
export const tunnelInPings = ({ attacker, server }: Cast): Frames =>
  repeated((n) => {
    const [from, to] = [attacker.ip4, last(server.ip4, 231)]
    const about = { protocol: 'icmp', word: 0x00070000 + n } as const
    return [
      said({ ...about, from, to, type: 8, payload: `request ${n}` }),
      said({ ...about, from: to, to: from, type: 0, payload: `other data than in ${n}` }),
    ]
  })
