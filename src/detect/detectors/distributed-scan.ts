/** Hot: runs per flow. Allocates nothing unless it reports. */
import { z } from 'zod'
import type { Ip } from '#model/address.ts'
import { END_REASONS, FLOW_STATES, type Flows } from '#model/flow.ts'
import type { Hosts } from '#model/host.ts'
import { type Packet, PROTOCOL, TCP } from '#model/packet.ts'
import type { Watcher } from '#model/watcher.ts'
import { Crowd } from '../crowd.ts'
import { defineDetector, type WatchContext } from '../detector.ts'
import { duration, rateOf } from '../evidence.ts'
import { HostRows, identityOf } from '../host-rows.ts'
import { isRefusal } from '../probe.ts'
import { range } from '../self-test/net.ts'
import { SERVER } from '../self-test/self-test.ts'
import { ShutDoors } from '../shut-doors.ts'
import { Sliding } from '../sliding.ts'

const PAIRS = 16_384
const TARGETS = 1_024
/** Sources of a campaign that are remembered by name, and its ports. */
const MEMBERS = 64
/** A source that tries more ports is found by port-scan: it needs no company to be one. */
const MOST_PORTS = 12
/** Ports that differ, as a share of all tries: decoys of one scanner all try the same. */
const DIFFERENT = 0.5
const WINDOW_MS = 600_000
const STALE_AFTER_MS = 1_200_000
const TIMEOUT = END_REASONS.indexOf('timeout')
const SYN_SENT = FLOW_STATES.indexOf('syn-sent')

const settings = z
  .object({
    sources: z
      .int()
      .min(3)
      .max(MEMBERS)
      .default(8)
      .describe('Addresses that each failed at a few ports of the same host within ten minutes'),
    portsEach: z
      .int()
      .min(2)
      .max(MOST_PORTS)
      .default(3)
      .describe('Ports that an address must have failed at to count as one of them'),
    ports: z
      .int()
      .min(6)
      .max(10_000)
      .default(25)
      .describe('Different ports that they must have tried together'),
  })
  .strict()

type Settings = z.infer<typeof settings>

export default defineDetector({
  id: 'distributed-scan',
  title: 'Distributed scan',
  technique: 'T1046',
  settings,
  selfTest: {
    fires(net) {
      for (const source of range(20)) {
        for (const port of range(5)) {
          net.refused({ from: `203.0.113.${source}`, to: SERVER, port: source * 10 + port, options: 4 })
        }
        net.pass(1_000)
      }
    },
    staysSilent(net) {
      for (const source of range(200)) {
        for (const port of [80, 443]) net.refused({ from: `203.0.113.${source}`, to: SERVER, port })
      }
      net.pass(40_000)
    },
  },
  watch: (chosen: Settings, context) => new DistributedScanWatcher(chosen, context),
})

/** A pair is a source and a target with the ports that failed; a campaign is a target with the sources that failed at several. */
class DistributedScanWatcher implements Watcher {
  readonly #context: WatchContext
  readonly #hosts: Hosts
  readonly #flows: Flows
  readonly #settings: Settings
  readonly #pairs: HostRows
  readonly #doors = new ShutDoors()
  /** Ports that a pair failed at, as bits of their hash. */
  readonly #portBits = new Uint32Array(PAIRS)
  readonly #campaigns: HostRows
  readonly #joined = new Sliding(TARGETS, WINDOW_MS)
  readonly #tries = new Uint32Array(TARGETS)
  readonly #ports = new Crowd(TARGETS)
  readonly #members = new Int32Array(TARGETS * MEMBERS)
  readonly #identities = new Int32Array(TARGETS * MEMBERS)
  readonly #memberCount = new Uint32Array(TARGETS)
  readonly #portList = new Uint16Array(TARGETS * MEMBERS)

  constructor(chosen: Settings, context: WatchContext) {
    this.#context = context
    this.#hosts = context.hosts
    this.#flows = context.flows
    this.#settings = chosen
    this.#pairs = new HostRows(context.hosts, PAIRS, WINDOW_MS)
    this.#campaigns = new HostRows(context.hosts, TARGETS, STALE_AFTER_MS)
  }

  flowRefused(flow: number, packet: Packet): void {
    if (packet.target !== this.#flows.source(flow) || !isRefusal(packet)) return
    if (this.#isFirstContact(flow)) this.#fail(flow, packet.at)
  }

  flowAborted(flow: number, packet: Packet): void {
    this.#fail(flow, packet.at)
  }

  flowEnded(flow: number, reason: number): void {
    if (reason !== TIMEOUT || this.#flows.state(flow) !== SYN_SENT) return
    if (this.#isFirstContact(flow)) this.#fail(flow, this.#flows.seenAt(flow))
  }

  #isFirstContact(flow: number): boolean {
    const flows = this.#flows
    return flows.protocol(flow) === PROTOCOL.tcp && (flows.firstFlags(flow) & (TCP.syn | TCP.ack)) !== TCP.ack
  }

  #fail(flow: number, now: number): void {
    const flows = this.#flows
    const port = flows.targetPort(flow)
    const [source, target] = [flows.source(flow), flows.target(flow)]
    if (this.#pairs.find(source, target, 0) < 0 && this.#doors.isCrowded(target, port, now)) return
    const pair = this.#pairs.claim(source, target, 0, now)
    if (pair < 0) return
    if (this.#pairs.isFresh) this.#portBits[pair] = 0
    const before = this.#portBits[pair] as number
    const after = (before | (1 << (Math.imul(port, 0x9e3779b1) >>> 27))) >>> 0
    if (after === before) return
    this.#portBits[pair] = after
    // From the second port on: a crowd that each fails once, at the one port that is shut, is none.
    const ports = this.#pairs.addWeight(pair)
    if (ports < 2 || ports > MOST_PORTS) return
    this.#join(flow, port, ports, now)
  }

  #join(flow: number, port: number, ports: number, now: number): void {
    const row = this.#campaigns.claim(this.#flows.target(flow), -1, 0, now)
    if (row < 0) return
    if (this.#campaigns.isFresh) this.#clear(row)
    const tries = (this.#tries[row] as number) + 1
    this.#portList[row * MEMBERS + ((tries - 1) % MEMBERS)] = port
    this.#tries[row] = tries
    this.#ports.add(row, -1, port)
    if (ports === this.#settings.portsEach) this.#enlist(row, this.#flows.source(flow), now)
    if (ports >= this.#settings.portsEach) this.#weigh(row, now)
  }

  #clear(row: number): void {
    this.#joined.clear(row)
    this.#ports.clear(row)
    this.#tries[row] = 0
    this.#memberCount[row] = 0
  }

  #enlist(row: number, source: number, now: number): void {
    this.#joined.add(row, now)
    const count = this.#memberCount[row] as number
    const at = row * MEMBERS + (count % MEMBERS)
    this.#members[at] = source
    this.#identities[at] = identityOf(this.#hosts, source)
    this.#memberCount[row] = count + 1
    this.#campaigns.addWeight(row)
  }

  #weigh(row: number, now: number): void {
    if (this.#campaigns.weight(row) < this.#settings.sources || !this.#campaigns.mayTell(row, now)) return
    const sources = this.#joined.within(row, now)
    if (sources < this.#settings.sources) return
    const ports = this.#ports.distinct(row)
    if (ports < this.#settings.ports || ports < (this.#tries[row] as number) * DIFFERENT) return
    this.#report(row, sources, ports, now)
  }

  #report(row: number, sources: number, ports: number, now: number): void {
    const campaigns = this.#campaigns
    if (!campaigns.isKnown(row)) return
    campaigns.tell(row, now)
    const victim = this.#hosts.address(campaigns.first(row))
    const firstAt = Math.max(campaigns.firstAt(row), now - WINDOW_MS)
    const tries = this.#tries[row] as number
    const listed = this.#portList.subarray(row * MEMBERS, row * MEMBERS + Math.min(MEMBERS, tries))
    this.#context.report({
      kind: 'campaign',
      severity: 'high',
      confidence: 0.8,
      at: now,
      // Each alone proves little, and all may be forged: who is blocked for it could be anybody.
      ...{ subject: victim, victim, blame: 'nobody' },
      summary: `${sources} addresses share out a scan of ${victim}: ${ports} ports in ${duration(now - firstAt)}`,
      key: `distributed-scan ${victim}`,
      because: `detectors.distributed-scan.sources = ${this.#settings.sources}`,
      spoofable: true,
      evidence: {
        ...{ firstAt, lastAt: now, count: ports, ratePerSecond: rateOf(ports, now - firstAt) },
        ...{ ports: [...new Set(listed)], hosts: this.#membersOf(row), sources, samples: [] },
      },
    })
  }

  /** Those that are still in the table of hosts. */
  #membersOf(row: number): Ip[] {
    const length = Math.min(MEMBERS, this.#memberCount[row] as number)
    return Array.from({ length }, (_, index) => row * MEMBERS + index)
      .filter((at) => identityOf(this.#hosts, this.#members[at] as number) === this.#identities[at])
      .map((at) => this.#hosts.address(this.#members[at] as number))
  }
}
