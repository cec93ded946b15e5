/** Hot: runs per ARP packet. Allocates nothing unless it reports. */
import { formatIpv4 } from '#model/address.ts'
import type { Packet } from '#model/packet.ts'
import { Attempts } from './attempts.ts'
import type { WatchContext } from './detector.ts'
import { duration, rateOf } from './evidence.ts'
import { goesOn, type Limits, SPOKE, spoke } from './limits.ts'

/** Askers are neighbours: few. */
const ROWS = 1_024
const STALE_AFTER_MS = 600_000
const ASKS = 1
const ANSWERS = 2

/**
 * The part of host-sweep that looks at ARP: who looks for hosts in its own network asks for their link addresses
 * first, and dead ones never get another packet. Routers do the same for whomever strangers look for, so this is
 * no more than `medium`. A row is one asker; what it tries are addresses. IPv4 addresses are their 32-bit words.
 */
export class ArpSweep {
  readonly #attempts = new Attempts(ROWS, STALE_AFTER_MS)
  readonly #limits: Limits
  readonly #silentHosts: number
  readonly #context: WatchContext

  constructor(limits: Limits, silentHosts: number, context: WatchContext) {
    this.#limits = limits
    this.#silentHosts = silentHosts
    this.#context = context
  }

  arp(packet: Packet): void {
    const { source0: sender, target0: target, at } = packet
    // Probes and announcements of one's own address (RFC 5227).
    if (sender === 0 || sender === target) return
    if (packet.arpOperation === ASKS) {
      const row = this.#attempts.claim(sender >>> 1, sender & 1, at)
      if (row < 0 || !this.#attempts.begin(row, target, at)) return
      this.#look(row, at)
    } else if (packet.arpOperation === ANSWERS) {
      const row = this.#attempts.find(target >>> 1, target & 1)
      if (row >= 0) this.#attempts.answer(row, sender)
    }
  }

  tick(now: number): void {
    for (let row = 0; row < ROWS; row++) {
      if ((this.#attempts.who[row] as number) < 0) continue
      if (this.#attempts.isStale(row, now)) this.#attempts.forget(row)
      else this.#look(row, now)
    }
  }

  #look(row: number, now: number): void {
    const reason = spoke(this.#attempts, row, this.#limits, now)
    if (reason !== SPOKE.nothing || goesOn(this.#attempts, row, now)) this.#report(row, reason, now)
  }

  #report(row: number, reason: number, now: number): void {
    const attempts = this.#attempts
    attempts.tell(row, reason, now)
    const subject = formatIpv4(((attempts.who[row] as number) << 1) | (attempts.what[row] as number))
    const [firstAt, lastAt] = [attempts.firstAt[row] as number, attempts.lastAt[row] as number]
    const count = attempts.distinct(row)
    this.#context.report({
      kind: 'arp',
      severity: 'medium',
      confidence: 0.6,
      at: now,
      subject,
      summary: `${subject} looked for ${count} hosts in ${duration(lastAt - firstAt)} (arp sweep)`,
      key: `host-sweep ${subject} arp`,
      because: `detectors.host-sweep.silentHosts = ${this.#silentHosts}`,
      spoofable: true,
      evidence: {
        ...{ firstAt, lastAt, count, ratePerSecond: rateOf(count, lastAt - firstAt) },
        hosts: attempts.things(row).map((word) => formatIpv4(word)),
        samples: [],
      },
    })
  }
}
