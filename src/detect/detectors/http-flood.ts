/** Hot: runs per packet. Allocates nothing unless it reports. */
import { z } from 'zod'
import type { Hosts } from '#model/host.ts'
import { type Packet, PROTOCOL } from '#model/packet.ts'
import type { Watcher } from '#model/watcher.ts'
import { defineDetector, type WatchContext } from '../detector.ts'
import { isHttpRequest, REQUEST_INITIALS } from '../http-lines.ts'
import { type Net, range } from '../self-test/net.ts'
import { ATTACKER, SERVER } from '../self-test/self-test.ts'
import { Sliding } from '../sliding.ts'
import { SourceRows } from '../source-rows.ts'

const ROWS = 8_192
const WINDOW_MS = 10_000
const STALE_AFTER_MS = 600_000
/** Who is busy already when we come is at work: a proxy before its server. */
const SETTLING_MS = 30_000
const LEARNING = 1 / 60
/** A /64 may be a whole office. */
const SUBNET_TIMES = 4

const settings = z
  .object({
    requestsPerSecond: z
      .int()
      .min(1)
      .max(1_000_000)
      .default(50)
      .describe('Plain HTTP requests a second from one address to one service, over ten seconds'),
    floodTimes: z
      .number()
      .min(1)
      .max(1_000)
      .default(4)
      .describe('So many times that are an attack; less is a warning'),
    timesUsual: z
      .number()
      .min(1)
      .max(100)
      .default(3)
      .describe('And so many times what is usual for that address and service'),
  })
  .strict()

type Settings = z.infer<typeof settings>

export default defineDetector({
  id: 'http-flood',
  title: 'HTTP flood',
  technique: 'T1499.002',
  settings,
  selfTest: {
    fires(net) {
      net.pass(60_000)
      for (const second of range(12)) sendRequests(net, second, 250)
    },
    staysSilent(net) {
      net.pass(60_000)
      for (const second of range(2)) sendRequests(net, second, 200)
      net.pass(20_000)
    },
  },
  watch: (chosen: Settings, context) => new HttpFloodWatcher(chosen, context),
})

function sendRequests(net: Net, second: number, count: number): void {
  for (const n of range(count)) {
    const sequence = second * 1_000_000 + n * 100
    const payload = 'GET /page HTTP/1.1\r\n\r\n'
    net.say({ from: `${ATTACKER}:4000`, to: `${SERVER}:80`, flags: 'PA', sequence, payload })
  }
  net.pass(990)
}

/** A row is one source and one service: target and port. */
class HttpFloodWatcher implements Watcher {
  readonly protocols = [PROTOCOL.tcp]
  readonly wishes = { openings: REQUEST_INITIALS }
  readonly #context: WatchContext
  readonly #hosts: Hosts
  readonly #settings: Settings
  readonly #rows: SourceRows
  readonly #requests: Sliding
  /** Requests a second that are usual, and the worst that was told: 1 a warning, 2 an attack. */
  readonly #usual: Float64Array
  readonly #toldLevel: Uint8Array
  /** Rows that were there when we came. */
  readonly #isSettled: Uint8Array
  #beganAt = Number.NaN

  constructor(chosen: Settings, context: WatchContext) {
    this.#context = context
    this.#hosts = context.hosts
    this.#settings = chosen
    this.#rows = new SourceRows(context.hosts, ROWS, STALE_AFTER_MS)
    this.#requests = new Sliding(ROWS, WINDOW_MS)
    this.#usual = new Float64Array(ROWS)
    this.#toldLevel = new Uint8Array(ROWS)
    this.#isSettled = new Uint8Array(ROWS)
  }

  packet(packet: Packet): void {
    if (packet.protocol !== PROTOCOL.tcp || packet.forward === 0 || packet.flow < 0) return
    if (!isHttpRequest(packet)) return
    const { source, target, targetPort, at } = packet
    this.#count(this.#rows.claimAddress(source, target, targetPort, at), at)
    this.#count(this.#rows.claimSubnet(source, target, targetPort, at), at)
  }

  tick(now: number): void {
    if (Number.isNaN(this.#beganAt)) this.#beganAt = now
    const rows = this.#rows
    for (let row = 0; row < ROWS; row++) {
      if (rows.first(row) < 0) continue
      if (!rows.isKnown(row) || rows.isStale(row, now)) rows.forget(row)
      else this.#weigh(row, now)
    }
  }

  #count(row: number, now: number): void {
    if (row < 0) return
    if (this.#rows.isFresh) this.#clear(row, now)
    this.#requests.add(row, now)
    this.#rows.addWeight(row)
  }

  #clear(row: number, now: number): void {
    this.#requests.clear(row)
    this.#usual[row] = 0
    this.#toldLevel[row] = 0
    this.#isSettled[row] = now - this.#beganAt < SETTLING_MS ? 1 : 0
  }

  #weigh(row: number, now: number): void {
    const rate = (this.#requests.within(row, now) * 1000) / WINDOW_MS
    const usual = this.#usual[row] as number
    const level = this.#levelOf(row, rate, now)
    this.#usual[row] = usual + (rate - usual) * LEARNING
    if (level === 0 || !this.#rows.maySpeak(row)) return
    if (level <= (this.#toldLevel[row] as number) && !this.#rows.mayTell(row, now)) return
    this.#toldLevel[row] = level
    this.#report(row, level, now)
  }

  #levelOf(row: number, rate: number, now: number): number {
    const { floodTimes, timesUsual } = this.#settings
    const requestsPerSecond = this.#settings.requestsPerSecond * (this.#rows.isSubnet(row) ? SUBNET_TIMES : 1)
    if (rate < requestsPerSecond || rate < (this.#usual[row] as number) * timesUsual) return 0
    const isAtWork = this.#isSettled[row] === 1 && now - this.#beganAt < SETTLING_MS * 4
    return rate >= requestsPerSecond * floodTimes && !isAtWork ? 2 : 1
  }

  #report(row: number, level: number, now: number): void {
    const rows = this.#rows
    rows.tell(row, now)
    const subject = this.#hosts.address(rows.sourceOf(row))
    const victim = this.#hosts.address(rows.targetOf(row))
    const port = rows.portOf(row)
    const count = this.#requests.within(row, now)
    const ratePerSecond = Math.round((count * 10_000) / WINDOW_MS) / 10
    const setting = level === 2 ? 'floodTimes' : 'requestsPerSecond'
    this.#context.report({
      kind: 'requests',
      severity: level === 2 ? 'high' : 'medium',
      confidence: level === 2 ? 0.8 : 0.5,
      at: now,
      subject,
      victim,
      summary: `${rows.nameOf(row)} sends ${victim} port ${port} ${ratePerSecond} HTTP requests a second`,
      key: `http-flood ${subject} ${victim} ${port}`,
      because: `detectors.http-flood.${setting} = ${this.#settings[setting]}`,
      spoofable: false,
      evidence: {
        firstAt: Math.max(rows.firstAt(row), now - WINDOW_MS),
        ...{ lastAt: now, count, ratePerSecond, ports: [port], samples: [] },
      },
    })
  }
}
