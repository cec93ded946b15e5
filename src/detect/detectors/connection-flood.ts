/** Hot: runs per flow. Allocates nothing unless it reports. */
import { z } from 'zod'
import type { Severity } from '#model/finding.ts'
import type { Flows } from '#model/flow.ts'
import { type Packet, PROTOCOL } from '#model/packet.ts'
import type { Watcher } from '#model/watcher.ts'
import { defineDetector, type WatchContext } from '../detector.ts'
import { rateOf } from '../evidence.ts'
import { isEmpty } from '../flow-data.ts'
import { range } from '../self-test/net.ts'
import { ATTACKER, CLIENT, SERVER } from '../self-test/self-test.ts'
import { Sliding } from '../sliding.ts'
import { SourceRows } from '../source-rows.ts'

const ROWS = 8_192
const WINDOW_MS = 60_000
const BUSY_FLOWS = 4
const STALE_AFTER_MS = 600_000
/** Stands for all services of a target together. */
const ALL_PORTS = 0
/** So much more is usual of a monitor that polls many services, and of a whole office behind one /64. */
const WIDE_TIMES = 4

const settings = z
  .object({
    connectionsPerMinute: z
      .int()
      .min(10)
      .max(1_000_000)
      .default(100)
      .describe('New connections a minute from one address to one service that are worth a note'),
    emptyTimes: z
      .int()
      .min(1)
      .max(1_000)
      .default(3)
      .describe('So many times that are an attack when the connections carry no data'),
    busyTimes: z
      .int()
      .min(1)
      .max(1_000)
      .default(5)
      .describe('So many times that are a warning: an office behind one address, a build machine, a proxy'),
    floodTimes: z
      .int()
      .min(1)
      .max(10_000)
      .default(30)
      .describe('So many times that are an attack, whatever the connections carry'),
  })
  .strict()

type Settings = z.infer<typeof settings>

export default defineDetector({
  id: 'connection-flood',
  title: 'Connection flood',
  technique: 'T1499.002',
  settings,
  selfTest: {
    fires(net) {
      for (const _ of range(400)) {
        net.connects({ from: ATTACKER, to: SERVER, port: 5432 })
        net.pass(100)
      }
    },
    staysSilent(net) {
      for (const _ of range(10)) {
        for (const port of range(50)) net.connects({ from: CLIENT, to: SERVER, port })
        net.pass(30_000)
      }
    },
  },
  watch: (chosen: Settings, context) => new ConnectionFloodWatcher(chosen, context),
})

/** A row is one source and one service, or all services of a target. Handshakes prove the source. */
class ConnectionFloodWatcher implements Watcher {
  readonly #context: WatchContext
  readonly #flows: Flows
  readonly #settings: Settings
  readonly #rows: SourceRows
  readonly #made: Sliding
  readonly #empty: Sliding
  /** Worst severity that was told: an index into LEVELS. */
  readonly #toldLevel: Uint8Array

  constructor(chosen: Settings, context: WatchContext) {
    this.#context = context
    this.#flows = context.flows
    this.#settings = chosen
    this.#rows = new SourceRows(context.hosts, ROWS, STALE_AFTER_MS)
    this.#made = new Sliding(ROWS, WINDOW_MS)
    this.#empty = new Sliding(ROWS, WINDOW_MS)
    this.#toldLevel = new Uint8Array(ROWS)
  }

  flowAnswered(flow: number, packet: Packet): void {
    const flows = this.#flows
    if (flows.protocol(flow) !== PROTOCOL.tcp || !this.#isBusy(flows.target(flow))) return
    const [source, target, port] = [flows.source(flow), flows.target(flow), flows.targetPort(flow)]
    const now = packet.at
    this.#noteMade(this.#rows.claimSubnet(source, target, port, now), now)
    if (!this.#isBusy(source)) return
    this.#noteMade(this.#rows.claimAddress(source, target, port, now), now)
    this.#noteMade(this.#rows.claimAddress(source, target, ALL_PORTS, now), now)
  }

  flowEnded(flow: number): void {
    const flows = this.#flows
    if (flows.packetsBackward(flow) === 0 || flows.protocol(flow) !== PROTOCOL.tcp) return
    const [source, target, port] = [flows.source(flow), flows.target(flow), flows.targetPort(flow)]
    if (!this.#isBusy(target)) return
    if (!isEmpty(flows, flow, this.#context.hosts.isIpv6(source))) return
    const seenAt = flows.seenAt(flow)
    this.#noteEmpty(this.#rows.findSubnet(source, target, port), seenAt)
    if (!this.#isBusy(source)) return
    this.#noteEmpty(this.#rows.findAddress(source, target, port), seenAt)
    this.#noteEmpty(this.#rows.findAddress(source, target, ALL_PORTS), seenAt)
  }

  #noteMade(row: number, now: number): void {
    if (row < 0) return
    if (this.#rows.isFresh) {
      this.#made.clear(row)
      this.#empty.clear(row)
      this.#toldLevel[row] = 0
    }
    this.#made.add(row, now)
    if (this.#rows.addWeight(row) >= this.#settings.connectionsPerMinute) this.#weigh(row, now)
  }

  #noteEmpty(row: number, seenAt: number): void {
    if (row < 0) return
    const now = Math.max(seenAt, this.#rows.lastAt(row))
    this.#empty.add(row, now)
    if (this.#isEmpty(row, now)) this.#weigh(row, now)
  }

  /** Who makes a hundred connections a minute has a few in the table at any time: flows stay for seconds after their end. */
  #isBusy(host: number): boolean {
    return this.#context.hosts.flowCount(host) >= BUSY_FLOWS
  }

  #weigh(row: number, now: number): void {
    const level = this.#levelOf(row, now)
    if (level === 0 || !this.#rows.maySpeak(row)) return
    const isWorse = level > (this.#toldLevel[row] as number)
    if (!isWorse && !this.#rows.mayTell(row, now)) return
    this.#toldLevel[row] = level
    this.#report(row, level, now)
  }

  #levelOf(row: number, now: number): number {
    const { busyTimes, floodTimes } = this.#settings
    const least = this.#leastOf(row)
    const made = this.#made.within(row, now)
    if (this.#isEmpty(row, now)) return 3
    if (made < least) return 0
    // Many services, each asked now and then, are what a monitor does.
    if (this.#rows.portOf(row) === ALL_PORTS) return 0
    if (made >= least * floodTimes) return 3
    return made >= least * busyTimes ? 2 : 1
  }

  #isEmpty(row: number, now: number): boolean {
    const { connectionsPerMinute, emptyTimes } = this.#settings
    // Empty connections are no office at work.
    const least = this.#rows.isSubnet(row) ? connectionsPerMinute : this.#leastOf(row)
    return this.#empty.within(row, now) >= least * emptyTimes
  }

  #leastOf(row: number): number {
    const isWide = this.#rows.portOf(row) === ALL_PORTS || this.#rows.isSubnet(row)
    return this.#settings.connectionsPerMinute * (isWide ? WIDE_TIMES : 1)
  }

  #report(row: number, level: number, now: number): void {
    const { hosts } = this.#context
    const rows = this.#rows
    rows.tell(row, now)
    const [subject, victim] = [hosts.address(rows.sourceOf(row)), hosts.address(rows.targetOf(row))]
    const port = rows.portOf(row)
    const service = port === ALL_PORTS ? 'at many ports' : `port ${port}`
    const count = this.#made.within(row, now)
    const isEmpty = this.#isEmpty(row, now)
    const firstAt = Math.max(rows.firstAt(row), now - WINDOW_MS)
    const carrying = isEmpty ? `, ${this.#empty.within(row, now)} of them without data` : ''
    this.#context.report({
      kind: isEmpty ? 'empty' : 'connect',
      severity: LEVELS[level] as Severity,
      confidence: level === 3 ? 0.85 : 0.5,
      at: now,
      subject,
      victim,
      summary: `${rows.nameOf(row)} made ${count} connections to ${victim} ${service} within a minute${carrying}`,
      key: `connection-flood ${subject} ${victim} ${port}`,
      because: `detectors.connection-flood.${this.#settingOf(level, isEmpty)}`,
      spoofable: false,
      evidence: {
        ...{ firstAt, lastAt: now, count, ratePerSecond: rateOf(count, now - firstAt) },
        ports: port === ALL_PORTS ? [] : [port],
        samples: [],
      },
    })
  }

  #settingOf(level: number, isEmpty: boolean): string {
    const setting =
      level === 1 ? 'connectionsPerMinute' : level === 2 ? 'busyTimes' : isEmpty ? 'emptyTimes' : 'floodTimes'
    return `${setting} = ${this.#settings[setting]}`
  }
}

const LEVELS: readonly Severity[] = ['info', 'low', 'medium', 'high']
