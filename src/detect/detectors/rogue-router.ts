/** Hot: runs per ICMPv6 packet. Allocates nothing unless it reports. */
import { z } from 'zod'
import { formatIpv6, type Ip, parseIp } from '#model/address.ts'
import type { Severity } from '#model/finding.ts'
import { type Packet, PROTOCOL } from '#model/packet.ts'
import type { Watcher } from '#model/watcher.ts'
import { defineDetector, type WatchContext } from '../detector.ts'
import { FROM_THE_LINK, NEIGHBOUR, NeighbourMessage } from '../neighbour-message.ts'
import { formatMac } from '../neighbours.ts'
import { routerAdvertisement } from '../self-test/messages.ts'
import { range } from '../self-test/net.ts'
import { ATTACKER_MAC, ROUTER_MAC } from '../self-test/self-test.ts'

/** Routers that are known; more within the window are a flood of them. */
const MOST_ROUTERS = 32
/** A router that goes on is told again so often. */
const REPEAT_MS = 600_000
const FLOOD_WINDOW_MS = 60_000

const settings = z
  .object({
    routers: z
      .array(
        z.string().refine((text) => parseIp(text)?.includes(':') === true, {
          message: 'Expected an IPv6 address, such as fe80::1',
        }),
      )
      .max(MOST_ROUTERS)
      .default([])
      .describe(
        'IPv6 routers of this network, by their link-local addresses: any other is severe. Empty: the first is taken for right, and others are a warning',
      ),
    flood: z
      .int()
      .min(3)
      .max(MOST_ROUTERS)
      .default(10)
      .describe('Different routers that advertise themselves within a minute'),
  })
  .strict()

type Settings = z.infer<typeof settings>

export default defineDetector({
  id: 'rogue-router',
  title: 'Unknown IPv6 router',
  technique: 'T1557',
  settings,
  selfTest: {
    fires(net) {
      net.send(routerAdvertisement('fe80::1', ROUTER_MAC))
      net.send(routerAdvertisement('fe80::66', ATTACKER_MAC))
    },
    staysSilent(net) {
      for (const _ of range(100)) {
        net.send(routerAdvertisement('fe80::1', ROUTER_MAC))
        net.pass(1_000)
      }
    },
  },
  watch: (chosen: Settings, context) => new RogueRouterWatcher(chosen, context),
})

interface Router {
  readonly address: Ip
  readonly identity: number
  readonly isExpected: boolean
  macHigh: number
  macLow: number
  readonly firstAt: number
  toldAt: number
  count: number
}

/** Router advertisements (RFC 4861 §4.2): who sends one becomes the gateway of all that hear it. */
class RogueRouterWatcher implements Watcher {
  readonly protocols = [PROTOCOL.icmpv6]
  readonly #context: WatchContext
  readonly #settings: Settings
  readonly #chosen: readonly Ip[]
  readonly #message = new NeighbourMessage()
  #routers: Router[] = []
  #floodToldAt = Number.NEGATIVE_INFINITY

  constructor(chosen: Settings, context: WatchContext) {
    this.#context = context
    this.#settings = chosen
    this.#chosen = chosen.routers.flatMap((text) => parseIp(text) ?? [])
  }

  packet(packet: Packet): void {
    if (packet.sourcePort !== NEIGHBOUR.routerAdvertises || packet.protocol !== PROTOCOL.icmpv6) return
    const message = this.#message
    // One without its link address says less, but it is one all the same.
    const hasLink = message.read(packet)
    if (!hasLink && packet.ttl !== FROM_THE_LINK) return
    const router = this.#routerOf(packet.at)
    if (!router) return
    router.count++
    if (hasLink) this.#linked(router, packet.at)
    if (router.isExpected || message.routerSeconds === 0 || packet.at - router.toldAt < REPEAT_MS) return
    this.#tell(router, this.#chosen.length > 0 ? 'unlisted' : 'second', packet.at)
  }

  #linked(router: Router, now: number): void {
    const { macHigh, macLow } = this.#message
    const isSame = router.macHigh === macHigh && router.macLow === macLow
    const isFirst = router.macHigh === 0 && router.macLow === 0
    if (!isSame && !isFirst && router.isExpected) this.#tell(router, 'impersonated', now)
    router.macHigh = macHigh
    router.macLow = macLow
  }

  #routerOf(now: number): Router | undefined {
    const { identity } = this.#message
    for (const router of this.#routers) if (router.identity === identity) return router
    return this.#begin(identity, now)
  }

  #begin(identity: number, now: number): Router | undefined {
    const { word0, word1, word2, word3 } = this.#message
    const lately = this.#routers.filter(({ firstAt }) => now - firstAt < FLOOD_WINDOW_MS)
    if (lately.length + 1 >= this.#settings.flood) {
      this.#tellFlood(lately.length + 1, now)
      // They come and go: none of them is worth a place.
      return undefined
    }
    if (this.#routers.length >= MOST_ROUTERS)
      this.#routers = this.#routers.filter(({ isExpected }) => isExpected)
    if (this.#routers.length >= MOST_ROUTERS) return undefined
    const address = formatIpv6(word0, word1, word2, word3)
    const isExpected = this.#chosen.length === 0 ? this.#routers.length === 0 : this.#chosen.includes(address)
    const router: Router = {
      ...{ address, identity, isExpected, macHigh: 0, macLow: 0, firstAt: now },
      ...{ toldAt: Number.NEGATIVE_INFINITY, count: 0 },
    }
    this.#routers.push(router)
    return router
  }

  #tell(router: Router, kind: keyof typeof STORIES, now: number): void {
    router.toldAt = now
    const { address, firstAt, count, macHigh, macLow } = router
    const { severity, confidence } = STORIES[kind]
    const mac = formatMac(this.#message.macHigh, this.#message.macLow)
    const known = this.#routers.find(({ isExpected }) => isExpected)?.address ?? 'the known ones'
    const summary = {
      impersonated: `Somebody with the link address ${mac} advertises itself as router ${address}, which has ${formatMac(macHigh, macLow)}`,
      unlisted: `${address} advertises itself as router, and is not one of ours`,
      second: `${address} advertises itself as router, beside ${known}`,
    }[kind]
    this.#context.report({
      ...{ kind, severity, confidence, at: now, subject: address, summary },
      // The address of the true router is the one that is borrowed.
      ...(kind === 'impersonated' && { victim: address, blame: 'nobody' }),
      key: `rogue-router ${kind} ${address}`,
      because:
        this.#chosen.length > 0
          ? 'detectors.rogue-router.routers'
          : 'detectors.rogue-router.routers is empty',
      spoofable: true,
      evidence: { firstAt, lastAt: now, count, ratePerSecond: 0, samples: [] },
    })
  }

  #tellFlood(count: number, now: number): void {
    if (now - this.#floodToldAt < FLOOD_WINDOW_MS) return
    this.#floodToldAt = now
    const { word0, word1, word2, word3 } = this.#message
    const subject = formatIpv6(word0, word1, word2, word3)
    this.#context.report({
      ...{ kind: 'flood', severity: 'high', confidence: 0.9, at: now, subject, blame: 'nobody' },
      summary: `${count} different routers advertised themselves within a minute, the last is ${subject}`,
      key: 'rogue-router flood',
      because: `detectors.rogue-router.flood = ${this.#settings.flood}`,
      spoofable: true,
      evidence: { firstAt: now - FLOOD_WINDOW_MS, lastAt: now, count, ratePerSecond: 0, samples: [] },
    })
  }
}

const STORIES = {
  second: { severity: 'medium', confidence: 0.6 },
  unlisted: { severity: 'high', confidence: 0.95 },
  impersonated: { severity: 'high', confidence: 0.8 },
} as const satisfies Record<string, { severity: Severity; confidence: number }>
