/** Hot: runs per ICMPv6 packet. Allocates nothing unless it reports. */
import { z } from 'zod'
import { formatIpv6, isIpv6, parseIp } from '#model/address.ts'
import type { Severity } from '#model/finding.ts'
import { type Packet, PROTOCOL } from '#model/packet.ts'
import type { Watcher } from '#model/watcher.ts'
import { defineDetector, type WatchContext } from '../detector.ts'
import { duration, rateOf } from '../evidence.ts'
import { NeighbourMessage } from '../neighbour-message.ts'
import { formatMac, NEWS, Neighbours } from '../neighbours.ts'
import { neighbourAdvertisement } from '../self-test/messages.ts'
import { range } from '../self-test/net.ts'
import { ATTACKER_MAC, ROUTER_MAC } from '../self-test/self-test.ts'
import { Sliding } from '../sliding.ts'

const WINDOW_MS = 300_000
/** The lowest bit of the first byte: no host has such a MAC of its own (IEEE 802). */
const GROUP_BIT = 0x0100

const settings = z
  .object({
    contests: z
      .int()
      .min(2)
      .max(100)
      .default(3)
      .describe(
        'How often an IPv6 address may go back and forth between two link addresses within five minutes',
      ),
    guarded: z
      .array(
        z.string().refine((text) => parseIp(text)?.includes(':') === true, {
          message: 'Expected an IPv6 address, such as fe80::1',
        }),
      )
      .max(64)
      .default([])
      .describe(
        'IPv6 addresses, such as the gateway, whose link address must never change: one change is enough',
      ),
  })
  .strict()

type Settings = z.infer<typeof settings>

export default defineDetector({
  id: 'neighbour-spoof',
  title: 'IPv6 neighbour spoofing',
  technique: 'T1557',
  settings,
  selfTest: {
    fires(net) {
      for (const _ of range(6)) {
        for (const mac of [ROUTER_MAC, ATTACKER_MAC]) {
          net.send(neighbourAdvertisement('fe80::1', mac))
          net.pass(1_000)
        }
      }
    },
    staysSilent(net) {
      for (const n of range(50)) {
        net.send(neighbourAdvertisement(`fe80::${n}`, [2, 0, 0, 0, 1, n]))
        net.pass(1_000)
      }
    },
  },
  watch: (chosen: Settings, context) => new NeighbourSpoofWatcher(chosen, context),
})

/** The IPv6 counterpart of arp-spoof: nobody is blamed, as a frame can say any link address. */
class NeighbourSpoofWatcher implements Watcher {
  readonly protocols = [PROTOCOL.icmpv6]
  readonly #context: WatchContext
  readonly #settings: Settings
  readonly #guarded: ReadonlySet<string>
  readonly #message = new NeighbourMessage()
  /** Rows by a number that stands for the address. */
  readonly #neighbours = new Neighbours()
  readonly #contests = new Sliding(this.#neighbours.capacity, WINDOW_MS)

  constructor(chosen: Settings, context: WatchContext) {
    this.#context = context
    this.#settings = chosen
    this.#guarded = new Set(
      chosen.guarded.map((text) => parseIp(text)).filter((ip) => ip && isIpv6(ip)) as string[],
    )
  }

  packet(packet: Packet): void {
    if (packet.protocol !== PROTOCOL.icmpv6) return
    const message = this.#message
    if (!message.read(packet) || (message.macHigh & GROUP_BIT) !== 0) return
    // Who looks whether an address is free has none yet (RFC 4862 §5.4).
    if ((message.word0 | message.word1 | message.word2 | message.word3) === 0) return
    const neighbours = this.#neighbours
    const row = neighbours.see(message.identity, message.macHigh, message.macLow, packet.at)
    if (neighbours.news === NEWS.fresh) this.#contests.clear(row)
    else if (neighbours.news !== NEWS.nothing) this.#moved(row, packet.at)
  }

  #moved(row: number, now: number): void {
    this.#contests.add(row, now)
    const moves = this.#contests.within(row, now)
    const { word0, word1, word2, word3 } = this.#message
    const address = formatIpv6(word0, word1, word2, word3)
    if (this.#guarded.has(address)) this.#tell(row, 'guarded', moves, now)
    else if (moves > this.#settings.contests) this.#tell(row, 'contested', moves, now)
    else if (moves === 1) this.#tell(row, 'moved', 1, now)
  }

  #tell(row: number, kind: keyof typeof STORIES, count: number, now: number): void {
    const neighbours = this.#neighbours
    const { word0, word1, word2, word3 } = this.#message
    const subject = formatIpv6(word0, word1, word2, word3)
    const mac = formatMac(neighbours.macHigh[row] as number, neighbours.macLow[row] as number)
    const oldMac = formatMac(neighbours.oldMacHigh[row] as number, neighbours.oldMacLow[row] as number)
    const firstAt = Math.max(neighbours.firstAt[row] as number, now - WINDOW_MS)
    const summary =
      kind === 'contested'
        ? `${subject} goes back and forth between ${oldMac} and ${mac}: ${count} times in ${duration(now - firstAt)}`
        : `${subject} moved from ${oldMac} to ${mac}`
    const setting = kind === 'guarded' ? 'guarded' : `contests = ${this.#settings.contests}`
    this.#context.report({
      ...{ kind, ...STORIES[kind], at: now, subject, victim: subject, blame: 'nobody', summary },
      key: `neighbour-spoof ${kind} ${subject}`,
      because: `detectors.neighbour-spoof.${setting}`,
      spoofable: true,
      evidence: {
        ...{ firstAt, lastAt: now, count, ratePerSecond: rateOf(count, now - firstAt), samples: [] },
      },
    })
  }
}

const STORIES = {
  moved: { severity: 'medium', confidence: 0.4 },
  contested: { severity: 'high', confidence: 0.85 },
  guarded: { severity: 'high', confidence: 0.95 },
} as const satisfies Record<string, { severity: Severity; confidence: number }>
