/** Hot: runs per UDP packet and flow. Allocates nothing unless it reports. */
import { z } from 'zod'
import { formatIpv4, type Ip } from '#model/address.ts'
import type { Flows } from '#model/flow.ts'
import type { Hosts } from '#model/host.ts'
import { type Packet, PROTOCOL } from '#model/packet.ts'
import type { Watcher } from '#model/watcher.ts'
import { AddressRows, addressHash } from '../address-rows.ts'
import { defineDetector, type WatchContext } from '../detector.ts'
import { DHCP_CLIENT_PORT, DHCP_SERVER_PORT, DhcpReply } from '../dhcp.ts'
import { dhcpAcknowledgement } from '../self-test/messages.ts'
import type { Net } from '../self-test/net.ts'
import { ATTACKER, ROUTER } from '../self-test/self-test.ts'
import { Sliding } from '../sliding.ts'

const ROWS = 4_096
const STALE_AFTER_MS = 7 * 86_400_000
/** DNS servers of one client that are remembered. A client that asks more is a DNS server itself. */
const MOST_SERVERS = 4
const WINDOW_MS = 60_000
const MOST_DHCP_SERVERS = 16
const DNS_PORT = 53

const settings = z
  .object({
    learnMinutes: z
      .number()
      .min(1)
      .max(1_440)
      .default(10)
      .describe('How long a new client may use any DNS server; those are its own from then on'),
    answers: z
      .int()
      .min(1)
      .max(1_000)
      .default(5)
      .describe('Answers within a minute from a DNS server that the client did not use before'),
  })
  .strict()

type Settings = z.infer<typeof settings>

export default defineDetector({
  id: 'dns-server-change',
  title: 'Changed DNS server',
  technique: 'T1557',
  settings,
  selfTest: {
    fires(net) {
      for (const dns of [ROUTER, ROUTER, ATTACKER]) sendLease(net, dns)
    },
    staysSilent(net) {
      for (const dns of [ROUTER, ROUTER, ROUTER]) sendLease(net, dns)
    },
  },
  watch: (chosen: Settings, context) => new DnsServerChangeWatcher(chosen, context),
})

const sendLease = (net: Net, dns: string): void =>
  net.say({
    ...{ from: `${ROUTER}:67`, to: '255.255.255.255:68', protocol: 'udp' },
    payload: dhcpAcknowledgement(ROUTER, ROUTER, dns),
  })

/** A row is one client. What DHCP hands out is watched beside: a change there concerns everybody. */
class DnsServerChangeWatcher implements Watcher {
  readonly protocols = [PROTOCOL.udp]
  readonly wishes = { fromPorts: [DHCP_SERVER_PORT] }
  readonly #context: WatchContext
  readonly #hosts: Hosts
  readonly #flows: Flows
  readonly #settings: Settings
  readonly #rows = new AddressRows(ROWS, STALE_AFTER_MS)
  readonly #learnUntil = new Float64Array(ROWS)
  readonly #servers = new Int32Array(ROWS * MOST_SERVERS)
  readonly #known = new Uint8Array(ROWS)
  /** The one new server that is being counted. */
  readonly #candidate = new Int32Array(ROWS)
  readonly #answers = new Sliding(ROWS, WINDOW_MS)
  readonly #reply = new DhcpReply()
  readonly #dhcp: { readonly server: number; dns0: number; dns1: number }[] = []

  constructor(chosen: Settings, context: WatchContext) {
    this.#context = context
    this.#hosts = context.hosts
    this.#flows = context.flows
    this.#settings = chosen
  }

  packet(packet: Packet): void {
    if (packet.sourcePort !== DHCP_SERVER_PORT || packet.targetPort !== DHCP_CLIENT_PORT) return
    if (packet.version === 4 && this.#reply.read(packet) && this.#reply.dns0 !== 0) this.#handedOut(packet)
  }

  flowAnswered(flow: number, packet: Packet): void {
    const flows = this.#flows
    if (flows.targetPort(flow) !== DNS_PORT || flows.protocol(flow) !== PROTOCOL.udp) return
    const row = this.#rows.claim(this.#hosts, flows.source(flow), packet.at)
    if (this.#rows.isFresh) {
      this.#learnUntil[row] = packet.at + this.#settings.learnMinutes * 60_000
      this.#known[row] = 0
      this.#answers.clear(row)
    }
    const server = addressHash(this.#hosts, flows.target(flow))
    if (this.#knows(row, server)) return
    if (packet.at < (this.#learnUntil[row] as number)) this.#learn(row, server)
    else if ((this.#known[row] as number) <= MOST_SERVERS) this.#count(row, server, flow, packet.at)
  }

  #knows(row: number, server: number): boolean {
    const length = Math.min(MOST_SERVERS, this.#known[row] as number)
    for (let at = row * MOST_SERVERS; at < row * MOST_SERVERS + length; at++) {
      if (this.#servers[at] === server) return true
    }
    return false
  }

  /** One more than fits marks a client that asks all the world. */
  #learn(row: number, server: number): void {
    const known = this.#known[row] as number
    if (known < MOST_SERVERS) this.#servers[row * MOST_SERVERS + known] = server
    if (known <= MOST_SERVERS) this.#known[row] = known + 1
  }

  #count(row: number, server: number, flow: number, now: number): void {
    if (this.#candidate[row] !== server) {
      this.#candidate[row] = server
      this.#answers.clear(row)
    }
    this.#answers.add(row, now)
    const count = this.#answers.within(row, now)
    if (count < this.#settings.answers) return
    this.#learn(row, server)
    this.#reportClient(row, flow, count, now)
  }

  #reportClient(row: number, flow: number, count: number, now: number): void {
    const client = this.#rows.address(row)
    const server = this.#hosts.address(this.#flows.target(flow))
    this.#tell(now, {
      ...{ kind: 'client', subject: client, count, hosts: [server], confidence: 0.4 },
      summary: `${client} began to ask ${server} for names, which it did not use before`,
      because: `detectors.dns-server-change.answers = ${this.#settings.answers}`,
    })
  }

  #handedOut(packet: Packet): void {
    const { server, dns0, dns1 } = this.#reply
    const from = server === 0 ? packet.source0 : server
    const known = this.#dhcp.find((one) => one.server === from)
    if (!known) {
      if (this.#dhcp.length < MOST_DHCP_SERVERS) this.#dhcp.push({ server: from, dns0, dns1 })
      return
    }
    if (known.dns0 === dns0 && known.dns1 === dns1) return
    known.dns0 = dns0
    known.dns1 = dns1
    const hosts = (dns1 === 0 ? [dns0] : [dns0, dns1]).map((word) => formatIpv4(word))
    const subject = formatIpv4(from)
    this.#tell(packet.at, {
      ...{ kind: 'dhcp', subject, count: 1, hosts, confidence: 0.7 },
      summary: `DHCP server ${subject} now hands out other DNS servers: ${hosts.join(', ')}`,
      because: 'detectors.dns-server-change, on by default',
    })
  }

  #tell(
    now: number,
    story: {
      readonly kind: string
      readonly subject: Ip
      readonly count: number
      readonly hosts: readonly Ip[]
      readonly confidence: number
      readonly summary: string
      readonly because: string
    },
  ): void {
    const { kind, subject, count, hosts, confidence, summary, because } = story
    this.#context.report({
      ...{ kind, subject, confidence, summary, because, at: now, severity: 'medium', spoofable: true },
      key: `dns-server-change ${kind} ${subject} ${hosts.join(' ')}`,
      evidence: { firstAt: now, lastAt: now, count, ratePerSecond: 0, hosts, samples: [] },
    })
  }
}
