/** Hot: runs per packet. Allocates nothing unless it reports. */
import { z } from 'zod'
import type { Flows } from '#model/flow.ts'
import type { Hosts } from '#model/host.ts'
import { type Packet, PROTOCOL } from '#model/packet.ts'
import type { Watcher } from '#model/watcher.ts'
import { AnswerSizes } from '../answer-sizes.ts'
import { defineDetector, type WatchContext } from '../detector.ts'
import { rateOf } from '../evidence.ts'
import { dataBackward, dataForward, isTalk } from '../flow-data.ts'
import { GuessCampaigns } from '../guess-campaigns.ts'
import { httpStatus } from '../http-lines.ts'
import { HTTP_LOGIN, LOGINS, loginOf } from '../logins.ts'
import { range } from '../self-test/net.ts'
import { ATTACKER, CLIENT, SERVER } from '../self-test/self-test.ts'
import { Sliding } from '../sliding.ts'
import { SourceRows } from '../source-rows.ts'

const ROWS = 4_096
const SHORT_MS = 60_000
const LONG_MS = 1_800_000
const LONGEST_TRY_MS = 60_000
const UNAUTHORIZED = 401
/** A protocol whose successes look like its failures needs so many times as much. */
const UNSURE_TIMES = 3

const settings = z
  .object({
    perMinute: z
      .int()
      .min(3)
      .max(10_000)
      .default(20)
      .describe('Log-ins a minute from one address to one service that look alike and failed'),
    perHalfHour: z
      .int()
      .min(5)
      .max(100_000)
      .default(60)
      .describe('The same within half an hour: guesses that are made slowly'),
    sources: z
      .int()
      .min(3)
      .max(64)
      .default(8)
      .describe('Addresses that share out guesses at one service: three times perHalfHour of them together'),
  })
  .strict()

type Settings = z.infer<typeof settings>

export default defineDetector({
  id: 'brute-force',
  title: 'Password guessing',
  technique: 'T1110',
  settings,
  selfTest: {
    fires(net) {
      for (const _ of range(40)) {
        net.talks({ from: ATTACKER, to: SERVER, port: 21, sent: 150, got: 250 })
        net.pass(500)
      }
      net.pass(20_000)
    },
    staysSilent(net) {
      for (const n of range(200)) {
        net.talks({ from: CLIENT, to: SERVER, port: 5432, sent: 200, got: 600 + (n % 9) * 150 })
        net.pass(50)
      }
      net.pass(20_000)
    },
  },
  watch: (chosen: Settings, context) => new BruteForceWatcher(chosen, context),
})

/** A row is one source and one service that asks for passwords: target and port. */
class BruteForceWatcher implements Watcher {
  readonly protocols = [PROTOCOL.tcp]
  readonly wishes = { openings: 'H' }
  readonly #context: WatchContext
  readonly #hosts: Hosts
  readonly #flows: Flows
  readonly #settings: Settings
  readonly #rows: SourceRows
  readonly #campaigns: GuessCampaigns
  readonly #lately: Sliding
  readonly #slowly: Sliding
  readonly #sizes: AnswerSizes
  /** Rows that were told with certainty. */
  readonly #toldSure: Uint8Array

  constructor(chosen: Settings, context: WatchContext) {
    this.#context = context
    this.#hosts = context.hosts
    this.#flows = context.flows
    this.#settings = chosen
    this.#rows = new SourceRows(context.hosts, ROWS, LONG_MS)
    this.#campaigns = new GuessCampaigns(context, chosen)
    this.#lately = new Sliding(ROWS, SHORT_MS)
    this.#slowly = new Sliding(ROWS, LONG_MS)
    this.#sizes = new AnswerSizes(ROWS)
    this.#toldSure = new Uint8Array(ROWS)
  }

  /** HTTP says it in clear words, as often as it likes within one connection. */
  packet(packet: Packet): void {
    if (packet.forward !== 0 || packet.flow < 0 || httpStatus(packet) !== UNAUTHORIZED) return
    this.#guessed(packet.flow, HTTP_LOGIN, packet.at, 0)
  }

  flowEnded(flow: number): void {
    const flows = this.#flows
    if (flows.packetsBackward(flow) < 2 || flows.protocol(flow) !== PROTOCOL.tcp) return
    const login = loginOf(flows.targetPort(flow))
    if (login < 0 || !this.#isGuess(flow, login)) return
    this.#guessed(flow, login, flows.seenAt(flow), flows.bytesBackward(flow))
  }

  /** `bytes` came back; 0 where that tells nothing. Four plain numbers: hot path. */
  #guessed(flow: number, login: number, at: number, bytes: number): void {
    const flows = this.#flows
    const [source, target, port] = [flows.source(flow), flows.target(flow), flows.targetPort(flow)]
    this.#add(this.#rows.claimAddress(source, target, port, at), login, at, bytes)
    this.#add(this.#rows.claimSubnet(source, target, port, at), login, at, bytes)
    this.#campaigns.guessed(flow, login, at, bytes)
  }

  /** A short connection, with some data both ways, but less than one that got in would carry. */
  #isGuess(flow: number, login: number): boolean {
    const flows = this.#flows
    if (flows.seenAt(flow) - flows.openedAt(flow) > LONGEST_TRY_MS) return false
    if (!isTalk(flows, flow, this.#hosts.isIpv6(flows.source(flow)))) return false
    const { most } = LOGINS[login] as (typeof LOGINS)[number]
    return dataBackward(flows, flow) <= most && dataForward(flows, flow) <= most
  }

  #add(row: number, login: number, at: number, bytes: number): void {
    if (row < 0) return
    if (this.#rows.isFresh) this.#clear(row)
    // Flows leave the table in any order.
    const now = Math.max(at, this.#rows.lastAt(row))
    this.#sizes.add(row, bytes)
    this.#lately.add(row, now)
    this.#slowly.add(row, now)
    if (this.#rows.addWeight(row) < this.#settings.perMinute) return
    if (!this.#sizes.areAlike(row)) return
    if (this.#rows.maySpeak(row)) this.#weigh(row, login, now)
  }

  #clear(row: number): void {
    this.#lately.clear(row)
    this.#slowly.clear(row)
    this.#sizes.clear(row)
    this.#toldSure[row] = 0
  }

  #weigh(row: number, login: number, now: number): void {
    const { perMinute, perHalfHour } = this.#settings
    const lately = this.#lately.within(row, now)
    const slowly = this.#slowly.within(row, now)
    if (lately < perMinute && slowly < perHalfHour) return
    const { isUnsure } = LOGINS[login] as (typeof LOGINS)[number]
    const isSure = !isUnsure || lately >= perMinute * UNSURE_TIMES || slowly >= perHalfHour * UNSURE_TIMES
    const isWorse = isSure && this.#toldSure[row] === 0
    if (!isWorse && !this.#rows.mayTell(row, now)) return
    if (isSure) this.#toldSure[row] = 1
    this.#report(row, login, isSure, now)
  }

  #report(row: number, login: number, isSure: boolean, now: number): void {
    const rows = this.#rows
    rows.tell(row, now)
    const subject = this.#hosts.address(rows.sourceOf(row))
    const victim = this.#hosts.address(rows.targetOf(row))
    const port = rows.portOf(row)
    const { name } = LOGINS[login] as (typeof LOGINS)[number]
    const lately = this.#lately.within(row, now)
    const isFast = lately >= this.#settings.perMinute
    const count = isFast ? lately : this.#slowly.within(row, now)
    const firstAt = Math.max(rows.firstAt(row), now - (isFast ? SHORT_MS : LONG_MS))
    const setting = isFast ? 'perMinute' : 'perHalfHour'
    this.#context.report({
      kind: name,
      severity: isSure ? 'high' : 'medium',
      confidence: login === HTTP_LOGIN ? 0.9 : isSure ? 0.8 : 0.5,
      at: now,
      subject,
      victim,
      summary: `${rows.nameOf(row)} failed to log in ${count} times at ${victim} port ${port} (${name}) within ${isFast ? 'a minute' : 'half an hour'}`,
      key: `brute-force ${subject} ${victim} ${port}`,
      because: `detectors.brute-force.${setting} = ${this.#settings[setting]}`,
      spoofable: false,
      evidence: {
        ...{ firstAt, lastAt: now, count, ratePerSecond: rateOf(count, now - firstAt) },
        ...{ ports: [port], samples: [] },
      },
    })
  }
}
