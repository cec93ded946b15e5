/** Hot: runs per ARP packet. Allocates nothing unless it reports. */
import { z } from 'zod'
import { formatIpv4, parseIp } from '#model/address.ts'
import type { Severity } from '#model/finding.ts'
import type { Packet } from '#model/packet.ts'
import type { Watcher } from '#model/watcher.ts'
import { defineDetector, type WatchContext } from '../detector.ts'
import { duration, rateOf } from '../evidence.ts'
import { formatMac, NEWS, Neighbours } from '../neighbours.ts'
import { arp, ETHERTYPE, ethernet } from '../self-test/frames.ts'
import { range } from '../self-test/net.ts'
import { ATTACKER_MAC, CLIENT, ROUTER, ROUTER_MAC } from '../self-test/self-test.ts'
import { Sliding } from '../sliding.ts'

const CONTEST_WINDOW_MS = 300_000
const STORM_WINDOW_MS = 10_000
const ANSWERS = 2
/** The lowest bit of the first byte: no host has such a MAC of its own (IEEE 802). */
const GROUP_BIT = 0x0100

const settings = z
  .object({
    contests: z
      .int()
      .min(2)
      .max(100)
      .default(3)
      .describe('How often an address may go back and forth between two link addresses within five minutes'),
    announcements: z
      .int()
      .min(5)
      .max(10_000)
      .default(50)
      .describe('Unasked ARP announcements of one address within ten seconds'),
    guarded: z
      .array(
        z.string().refine((text) => parseIp(text)?.includes(':') === false, {
          message: 'Expected an IPv4 address, such as 192.0.2.1',
        }),
      )
      .max(64)
      .default([])
      .describe(
        'IPv4 addresses, such as the gateway, whose link address must never change: one change is enough',
      ),
  })
  .strict()

type Settings = z.infer<typeof settings>

export default defineDetector({
  id: 'arp-spoof',
  title: 'ARP spoofing',
  technique: 'T1557.002',
  settings,
  selfTest: {
    fires(net) {
      for (const _ of range(6)) {
        for (const mac of [ROUTER_MAC, ATTACKER_MAC]) {
          net.send(ethernet(arp(2, mac, ROUTER, CLIENT), { type: ETHERTYPE.arp }))
          net.pass(2_000)
        }
      }
    },
    staysSilent(net) {
      for (const _ of range(50)) {
        net.send(ethernet(arp(1, ATTACKER_MAC, CLIENT, ROUTER), { type: ETHERTYPE.arp }))
        net.send(ethernet(arp(2, ROUTER_MAC, ROUTER, CLIENT), { type: ETHERTYPE.arp }))
        net.pass(1_000)
      }
    },
  },
  watch: (chosen: Settings, context) => new ArpSpoofWatcher(chosen, context),
})

/** Nobody is blamed: a frame can say any link address, and a block of an IP address does not stop it. */
class ArpSpoofWatcher implements Watcher {
  readonly #context: WatchContext
  readonly #settings: Settings
  readonly #guarded: ReadonlySet<string>
  readonly #neighbours = new Neighbours()
  readonly #contests = new Sliding(this.#neighbours.capacity, CONTEST_WINDOW_MS)
  readonly #announcements = new Sliding(this.#neighbours.capacity, STORM_WINDOW_MS)

  constructor(chosen: Settings, context: WatchContext) {
    this.#context = context
    this.#settings = chosen
    this.#guarded = new Set(chosen.guarded.flatMap((text) => parseIp(text) ?? []))
  }

  arp(packet: Packet): void {
    const { source0: sender, arpSenderMacHigh: high, arpSenderMacLow: low, at } = packet
    // A probe for an address that it may want (RFC 5227) has no sender yet.
    if (sender === 0 || (high & GROUP_BIT) !== 0) return
    const neighbours = this.#neighbours
    const row = neighbours.see(sender, high, low, at)
    if (neighbours.news === NEWS.fresh) {
      this.#contests.clear(row)
      this.#announcements.clear(row)
    } else if (neighbours.news !== NEWS.nothing) {
      this.#moved(row, at)
    }
    if (sender === packet.target0 || packet.arpOperation === ANSWERS) this.#announced(row, at)
  }

  #moved(row: number, now: number): void {
    this.#contests.add(row, now)
    const moves = this.#contests.within(row, now)
    const address = formatIpv4(this.#neighbours.address[row] as number)
    if (this.#guarded.has(address)) this.#tell(row, 'guarded', moves, now)
    else if (moves > this.#settings.contests) this.#tell(row, 'contested', moves, now)
    else if (moves === 1) this.#tell(row, 'moved', 1, now)
  }

  #announced(row: number, now: number): void {
    this.#announcements.add(row, now)
    const count = this.#announcements.within(row, now)
    if (count < this.#settings.announcements) return
    this.#announcements.clear(row)
    this.#tell(row, 'storm', count, now)
  }

  #tell(row: number, kind: keyof typeof STORIES, count: number, now: number): void {
    const neighbours = this.#neighbours
    const subject = formatIpv4(neighbours.address[row] as number)
    const mac = formatMac(neighbours.macHigh[row] as number, neighbours.macLow[row] as number)
    const oldMac = formatMac(neighbours.oldMacHigh[row] as number, neighbours.oldMacLow[row] as number)
    const others = neighbours.othersOf(row).map((word) => formatIpv4(word))
    const { severity, confidence, windowMs } = STORIES[kind]
    const firstAt = Math.max(neighbours.firstAt[row] as number, now - windowMs)
    const also = others.length > 0 ? `, which ${others.slice(0, 3).join(', ')} uses too` : ''
    const summary =
      kind === 'storm'
        ? `${mac} announced ${subject} ${count} times in ${duration(now - firstAt)}`
        : kind === 'contested'
          ? `${subject} goes back and forth between ${oldMac} and ${mac}${also}: ${count} times in ${duration(now - firstAt)}`
          : `${subject} moved from ${oldMac} to ${mac}${also}`
    this.#context.report({
      ...{ kind, severity, confidence, at: now, subject, victim: subject, blame: 'nobody', summary },
      key: `arp-spoof ${kind} ${subject}`,
      because: `detectors.arp-spoof.${this.#settingOf(kind)}`,
      spoofable: true,
      evidence: {
        ...{ firstAt, lastAt: now, count, ratePerSecond: rateOf(count, now - firstAt) },
        ...(others.length > 0 && { hosts: others }),
        samples: [],
      },
    })
  }

  #settingOf(kind: keyof typeof STORIES): string {
    const { contests, announcements } = this.#settings
    if (kind === 'storm') return `announcements = ${announcements}`
    return kind === 'guarded' ? 'guarded' : `contests = ${contests}`
  }
}

const STORIES = {
  /** A new network card, a fail-over, or the begin of an attack. */
  moved: { severity: 'medium', confidence: 0.4, windowMs: CONTEST_WINDOW_MS },
  contested: { severity: 'high', confidence: 0.85, windowMs: CONTEST_WINDOW_MS },
  guarded: { severity: 'high', confidence: 0.95, windowMs: CONTEST_WINDOW_MS },
  storm: { severity: 'medium', confidence: 0.6, windowMs: STORM_WINDOW_MS },
} as const satisfies Record<string, { severity: Severity; confidence: number; windowMs: number }>
