/** Hot: runs per packet. Allocates nothing unless it reports. */
import { z } from 'zod'
import { type Packet, PROTOCOL } from '#model/packet.ts'
import type { Watcher } from '#model/watcher.ts'
import { defineDetector, type WatchContext } from '../detector.ts'
import { REFLECTORS, reflectorOf } from '../reflectors.ts'
import { range } from '../self-test/net.ts'
import { CLIENT, SERVER } from '../self-test/self-test.ts'
import { SURGE, Surge } from '../surge.ts'
import { reportSurge } from '../surge-report.ts'

const ROWS = 1_024

const settings = z
  .object({
    answersPerSecond: z
      .int()
      .min(10)
      .max(10_000_000)
      .default(200)
      .describe(
        'Large UDP answers a second to one host that it did not ask for, from one kind of service (DNS, NTP, SSDP, memcached, CLDAP …)',
      ),
    timesUsual: z
      .number()
      .min(1)
      .max(100)
      .default(3)
      .describe('And so many times what is usual for that host, up to ten times the limit'),
  })
  .strict()

type Settings = z.infer<typeof settings>

export default defineDetector({
  id: 'amplification',
  title: 'Reflected amplification',
  technique: 'T1498.002',
  settings,
  selfTest: {
    fires(net) {
      for (const n of range(600)) {
        const reflector = `203.0.113.${1 + (n % 40)}:123`
        net.say({ from: reflector, to: `${SERVER}:30000`, protocol: 'udp', payload: 1200 })
      }
    },
    staysSilent(net) {
      for (const n of range(600)) {
        const [client, resolver] = [`${CLIENT}:${20_000 + n}`, '203.0.113.53:53']
        net.say({ from: client, to: resolver, protocol: 'udp', payload: 40 })
        net.say({ from: resolver, to: client, protocol: 'udp', payload: 1200 })
      }
    },
  },
  watch: (chosen: Settings, context) => new AmplificationWatcher(chosen, context),
})

/** A row is one target and one kind of reflector. The reflectors are abused strangers: nobody is blamed. */
class AmplificationWatcher implements Watcher {
  readonly protocols = [PROTOCOL.udp]
  readonly wishes = { fromPorts: REFLECTORS.map(({ port }) => port) }
  readonly #context: WatchContext
  readonly #threshold: number
  readonly #surge: Surge
  #tickedAt = Number.NaN

  constructor(chosen: Settings, context: WatchContext) {
    this.#context = context
    this.#threshold = chosen.answersPerSecond
    this.#surge = new Surge(context.hosts, ROWS, chosen.timesUsual)
  }

  packet(packet: Packet): void {
    if (packet.protocol !== PROTOCOL.udp || packet.target < 0) return
    const reflector = reflectorOf(packet)
    if (reflector < 0) return
    const surge = this.#surge
    const row = surge.claim(packet.target, reflector, packet.at)
    if (row < 0) return
    surge.add(row, packet, true)
    if (surge.isAttacked(row) || (surge.packets[row] as number) < surge.limit(row, this.#threshold)) return
    surge.begin(row, Math.min(packet.at, Math.max(this.#tickedAt || 0, surge.rows.firstAt(row))))
    this.#report(row, packet.at)
  }

  tick(now: number): void {
    const elapsedMs = Math.max(1000, Math.min(now - this.#tickedAt || 1000, 60_000))
    this.#tickedAt = now
    const { rows } = this.#surge
    for (let row = 0; row < rows.capacity; row++) {
      if (rows.first(row) < 0) continue
      if (!rows.isKnown(row) || rows.isStale(row, now)) rows.forget(row)
      else this.#turn(row, now, elapsedMs)
    }
  }

  #turn(row: number, now: number, elapsedMs: number): void {
    const surge = this.#surge
    const meaning = surge.turn(row, this.#threshold, now, elapsedMs)
    if (meaning === SURGE.calm) return
    if (meaning === SURGE.ends) {
      this.#report(row, now, surge.aboveAt[row])
      surge.end(row)
    } else if (surge.rows.mayTell(row, now)) {
      this.#report(row, now)
    }
  }

  #report(row: number, now: number, endedAt?: number): void {
    this.#surge.rows.tell(row, now)
    const { name } = REFLECTORS[this.#surge.rows.what(row)] as (typeof REFLECTORS)[number]
    reportSurge(this.#context, this.#surge, row, {
      ...{ at: now, endedAt, detector: 'amplification', kind: name },
      ...{ noun: `unasked ${name} answers`, setting: 'answersPerSecond', threshold: this.#threshold },
      isReflected: true,
    })
  }
}
