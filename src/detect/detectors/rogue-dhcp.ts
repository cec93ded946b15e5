/** Hot: runs per UDP packet. Allocates nothing unless it reports. */
import { z } from 'zod'
import { formatIpv4, type Ip, parseIp } from '#model/address.ts'
import { type Packet, PROTOCOL } from '#model/packet.ts'
import type { Watcher } from '#model/watcher.ts'
import { defineDetector, type WatchContext } from '../detector.ts'
import { DHCP_CLIENT_PORT, DHCP_SERVER_PORT, DhcpReply } from '../dhcp.ts'
import { dhcpAcknowledgement } from '../self-test/messages.ts'
import { type Net, range } from '../self-test/net.ts'
import { CLIENT, ROUTER } from '../self-test/self-test.ts'

/** Servers that are known; more are told of, and not remembered. */
const MOST_SERVERS = 32
/** A server that goes on is told again so often. */
const REPEAT_MS = 600_000

const settings = z
  .object({
    servers: z
      .array(z.string().refine((text) => parseIp(text) !== undefined, { message: 'Expected an IP address' }))
      .max(MOST_SERVERS)
      .default([])
      .describe(
        'DHCP servers of this network: any other is severe. Empty: the first that answers is taken for right, and others are a warning',
      ),
  })
  .strict()

type Settings = z.infer<typeof settings>

export default defineDetector({
  id: 'rogue-dhcp',
  title: 'Unknown DHCP server',
  technique: 'T1557.003',
  settings,
  selfTest: {
    fires(net) {
      for (const server of [ROUTER, ROUTER, ROUTER, CLIENT, CLIENT, CLIENT]) sendLease(net, server)
    },
    staysSilent(net) {
      for (const _ of range(20)) sendLease(net, ROUTER)
    },
  },
  watch: (chosen: Settings, context) => new RogueDhcpWatcher(chosen, context),
})

const sendLease = (net: Net, server: string): void =>
  net.say({
    ...{ from: `${server}:67`, to: '255.255.255.255:68', protocol: 'udp' },
    payload: dhcpAcknowledgement(server, ROUTER, ROUTER),
  })

class RogueDhcpWatcher implements Watcher {
  readonly protocols = [PROTOCOL.udp]
  readonly wishes = { fromPorts: [DHCP_SERVER_PORT] }
  readonly #context: WatchContext
  readonly #chosen: readonly Ip[]
  readonly #reply = new DhcpReply()
  readonly #servers = new Int32Array(MOST_SERVERS)
  readonly #toldAt = new Float64Array(MOST_SERVERS)
  readonly #offers = new Uint32Array(MOST_SERVERS)
  readonly #firstAt = new Float64Array(MOST_SERVERS)
  #count = 0

  constructor(chosen: Settings, context: WatchContext) {
    this.#context = context
    this.#chosen = chosen.servers.flatMap((text) => parseIp(text) ?? [])
  }

  packet(packet: Packet): void {
    if (packet.sourcePort !== DHCP_SERVER_PORT || packet.targetPort !== DHCP_CLIENT_PORT) return
    // A relay passes answers on under its own address: the server is who the message says.
    if (packet.version !== 4 || !this.#reply.read(packet)) return
    const at = this.#placeOf(this.#reply.server === 0 ? packet.source0 : this.#reply.server, packet.at)
    if (at < 0) return
    this.#offers[at] = (this.#offers[at] as number) + 1
    if (!this.#isExpected(at) && packet.at - (this.#toldAt[at] as number) >= REPEAT_MS)
      this.#report(at, packet)
  }

  #placeOf(server: number, now: number): number {
    for (let at = 0; at < this.#count; at++) if (this.#servers[at] === server) return at
    if (this.#count === MOST_SERVERS) return -1
    const at = this.#count++
    this.#servers[at] = server
    this.#firstAt[at] = now
    this.#toldAt[at] = Number.NEGATIVE_INFINITY
    return at
  }

  #isExpected(at: number): boolean {
    if (this.#chosen.length === 0) return at === 0
    return this.#toldAt[at] === Number.POSITIVE_INFINITY || this.#isChosen(at)
  }

  /** Asked once for each server: then it is remembered. */
  #isChosen(at: number): boolean {
    if (!this.#chosen.includes(formatIpv4(this.#servers[at] as number))) return false
    this.#toldAt[at] = Number.POSITIVE_INFINITY
    return true
  }

  #report(at: number, packet: Packet): void {
    this.#toldAt[at] = packet.at
    const server = formatIpv4(this.#servers[at] as number)
    const sender = formatIpv4(packet.source0)
    const isListed = this.#chosen.length > 0
    const first = formatIpv4(this.#servers[0] as number)
    const beside = isListed ? 'which is not one of ours' : `beside ${first}`
    const count = this.#offers[at] as number
    this.#context.report({
      kind: isListed ? 'unlisted' : 'second',
      severity: isListed ? 'high' : 'medium',
      confidence: isListed ? 0.95 : 0.6,
      at: packet.at,
      subject: sender,
      summary: `${sender} hands out addresses as DHCP server ${server}, ${beside}`,
      key: `rogue-dhcp ${server}`,
      because: isListed ? 'detectors.rogue-dhcp.servers' : 'detectors.rogue-dhcp.servers is empty',
      spoofable: true,
      evidence: {
        ...{ firstAt: this.#firstAt[at] as number, lastAt: packet.at, count, ratePerSecond: 0 },
        ...{ hosts: [server], samples: [] },
      },
    })
  }
}
