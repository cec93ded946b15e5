/** Hot: runs per UDP and ICMP packet. Allocates nothing unless it reports. */
import { z } from 'zod'
import { formatIpv4, formatIpv6, type Ip, parseIp } from '#model/address.ts'
import { type Packet, PROTOCOL } from '#model/packet.ts'
import type { Watcher } from '#model/watcher.ts'
import { defineDetector, type WatchContext } from '../detector.ts'
import { DHCP_CLIENT_PORT, DHCP_SERVER_PORT, DhcpReply } from '../dhcp.ts'
import { dhcpAcknowledgement, redirect } from '../self-test/messages.ts'
import { range } from '../self-test/net.ts'
import { ATTACKER, CLIENT, ROUTER } from '../self-test/self-test.ts'

/** DHCP servers, and redirects, that are remembered; beyond it none is told of. */
const MOST_KNOWN = 64
/** A redirect that goes on is told again so often. */
const REPEAT_MS = 600_000
/** RFC 792; RFC 4861 §4.5. */
const REDIRECT_4 = 5
const REDIRECT_6 = 137
const ADDRESS_BYTES = 16

const settings = z
  .object({
    gateways: z
      .array(z.string().refine((text) => parseIp(text) !== undefined, { message: 'Expected an IP address' }))
      .max(MOST_KNOWN)
      .default([])
      .describe(
        'Gateways of this network: whoever hands out or redirects to another is severe. Empty: a gateway that DHCP changes, and each redirect, are warnings',
      ),
  })
  .strict()

type Settings = z.infer<typeof settings>

export default defineDetector({
  id: 'gateway-redirect',
  title: 'Gateway changed by DHCP or a redirect',
  technique: 'T1557',
  settings,
  selfTest: {
    fires: (net) => net.send(redirect(ROUTER, CLIENT, ATTACKER)),
    staysSilent(net) {
      const payload = dhcpAcknowledgement(ROUTER, ROUTER, ROUTER)
      for (const _ of range(3)) {
        net.say({ from: `${ROUTER}:67`, to: '255.255.255.255:68', protocol: 'udp', payload })
      }
    },
  },
  watch: (chosen: Settings, context) => new GatewayRedirectWatcher(chosen, context),
})

/** Who is the gateway reads along. A change by ARP or router advertisements others tell of. */
class GatewayRedirectWatcher implements Watcher {
  readonly protocols = [PROTOCOL.udp, PROTOCOL.icmp, PROTOCOL.icmpv6]
  readonly wishes = { fromPorts: [DHCP_SERVER_PORT] }
  readonly #context: WatchContext
  readonly #chosen: readonly Ip[]
  readonly #reply = new DhcpReply()
  readonly #servers = new Map<number, number>()
  readonly #redirects = new Map<string, { readonly firstAt: number; toldAt: number; count: number }>()

  constructor(chosen: Settings, context: WatchContext) {
    this.#context = context
    this.#chosen = chosen.gateways.flatMap((text) => parseIp(text) ?? [])
  }

  packet(packet: Packet): void {
    const { protocol, sourcePort } = packet
    if (protocol === PROTOCOL.udp) {
      if (sourcePort === DHCP_SERVER_PORT && packet.targetPort === DHCP_CLIENT_PORT) this.#handedOut(packet)
    } else if (protocol === PROTOCOL.icmp) {
      if (sourcePort === REDIRECT_4)
        this.#redirected(packet, formatIpv4(packet.view.getInt32(packet.payloadStart - 4)))
    } else if (protocol === PROTOCOL.icmpv6 && sourcePort === REDIRECT_6 && packet.ttl === 255) {
      if (packet.payloadEnd - packet.payloadStart >= ADDRESS_BYTES) this.#redirected(packet, targetOf(packet))
    }
  }

  #handedOut(packet: Packet): void {
    if (packet.version !== 4 || !this.#reply.read(packet) || this.#reply.router === 0) return
    const { router } = this.#reply
    const server = this.#reply.server === 0 ? packet.source0 : this.#reply.server
    const before = this.#servers.get(server)
    if (before === undefined && this.#servers.size >= MOST_KNOWN) return
    if (before === router) return
    this.#servers.set(server, router)
    const [subject, gateway] = [formatIpv4(server), formatIpv4(router)]
    const isStrange = this.#chosen.length > 0 && !this.#chosen.includes(gateway)
    if (before === undefined && !isStrange) return
    const change = before === undefined ? '' : `, and no more ${formatIpv4(before)}`
    this.#tell(packet, {
      ...{ kind: 'dhcp', subject, gateway, isStrange, firstAt: packet.at, count: 1 },
      summary: `DHCP server ${subject} hands out the gateway ${gateway}${change}`,
    })
  }

  #redirected(packet: Packet, gateway: Ip): void {
    if (this.#chosen.includes(gateway) || packet.source < 0) return
    const subject = this.#context.hosts.address(packet.source)
    const key = `${subject} ${gateway}`
    const known = this.#redirects.get(key)
    if (!known && this.#redirects.size >= MOST_KNOWN) return
    const redirect = known ?? { firstAt: packet.at, toldAt: Number.NEGATIVE_INFINITY, count: 0 }
    this.#redirects.set(key, redirect)
    redirect.count++
    if (packet.at - redirect.toldAt < REPEAT_MS) return
    redirect.toldAt = packet.at
    const { firstAt, count } = redirect
    this.#tell(packet, {
      ...{ kind: 'redirect', subject, gateway, isStrange: this.#chosen.length > 0, firstAt, count },
      summary: `${subject} tells hosts to send by way of ${gateway}`,
    })
  }

  #tell(
    { at }: Packet,
    story: {
      readonly kind: 'dhcp' | 'redirect'
      readonly subject: Ip
      readonly gateway: Ip
      /** It is none of those that were named. */
      readonly isStrange: boolean
      readonly firstAt: number
      readonly count: number
      readonly summary: string
    },
  ): void {
    const { kind, subject, gateway, isStrange, firstAt, count, summary } = story
    this.#context.report({
      ...{ kind, subject, summary, at, severity: isStrange ? 'high' : 'medium' },
      confidence: isStrange ? 0.9 : 0.4,
      // Anybody on the link can send in the name of the true gateway.
      blame: 'nobody',
      key: `gateway-redirect ${kind} ${subject} ${gateway}`,
      because: `detectors.gateway-redirect.gateways ${isStrange ? 'has others' : 'is empty'}`,
      spoofable: true,
      evidence: { firstAt, lastAt: at, count, ratePerSecond: 0, hosts: [gateway], samples: [] },
    })
  }
}

/** The target of a redirect is the better first hop. */
const targetOf = ({ view, payloadStart: at }: Packet): Ip =>
  formatIpv6(view.getInt32(at), view.getInt32(at + 4), view.getInt32(at + 8), view.getInt32(at + 12))
