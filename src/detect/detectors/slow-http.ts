/** Hot: runs per packet. Allocates nothing unless it reports. */
import { z } from 'zod'
import { FLOW_STATES, type Flows } from '#model/flow.ts'
import { type Packet, PROTOCOL, TCP } from '#model/packet.ts'
import type { Watcher } from '#model/watcher.ts'
import { defineDetector, type WatchContext } from '../detector.ts'
import { duration, rateOf } from '../evidence.ts'
import { type Net, range } from '../self-test/net.ts'
import { ATTACKER, CLIENT, SERVER } from '../self-test/self-test.ts'
import { Sliding } from '../sliding.ts'
import { SlowFlows } from '../slow-flows.ts'
import { SourceRows } from '../source-rows.ts'

const ROWS = 2_048
/** A host with fewer flows is not followed: a slow attack needs more, and keeps them. */
const FEW_FLOWS = 4
const STALE_AFTER_MS = 600_000
/** Flows of a row that are looked at; also the largest number that a setting may ask for. */
const FLOWS_PER_ROW = 64
/** Places that a new flow tries before it is not looked at. */
const TRIES = 4
/** A part of an attack that many addresses share out: smaller parts are people with slow lines. */
const SMALLEST_PART = 5
/** So many more are needed where nobody can be named, and so many addresses. */
const TOGETHER_TIMES = 3
const TOGETHER_SOURCES = 3
/** No receiver tells of so little room: it waits until a segment fits (RFC 9293 §3.8.6.2.2). */
const SILLY_WINDOW = 10
const ESTABLISHED = FLOW_STATES.indexOf('established')
/** A client that finished so many connections within a minute shares its address with the attacker, or is itself one. */
const ORDINARY_CONNECTIONS = 3
const ORDINARY_WINDOW_MS = 60_000

const settings = z
  .object({
    connections: z
      .int()
      .min(5)
      .max(FLOWS_PER_ROW)
      .default(25)
      .describe('Slow connections of one address to one web service at the same time'),
    pieces: z
      .int()
      .min(2)
      .max(200)
      .default(3)
      .describe(
        'A request is slow when it came in so many pieces, in different seconds, and has no answer; a reader when it closed its window as often',
      ),
    afterSeconds: z.number().min(1).max(600).default(5).describe('Younger connections are not slow yet'),
    ports: z
      .array(z.int().min(1).max(65_535))
      .min(1)
      .max(64)
      .default([80, 443, 3000, 5000, 8000, 8008, 8080, 8081, 8443, 8888])
      .describe('Ports of web services'),
  })
  .strict()

type Settings = z.infer<typeof settings>

export default defineDetector({
  id: 'slow-http',
  title: 'Slow HTTP',
  technique: 'T1499.002',
  settings,
  selfTest: {
    fires(net) {
      for (const turn of range(4)) {
        sendLines(net, { from: ATTACKER, connections: 50, turn })
        net.pass(5_000)
      }
    },
    staysSilent(net) {
      for (const turn of range(60)) {
        sendLines(net, { from: CLIENT, connections: 6, turn })
        net.pass(1_000)
      }
    },
  },
  watch: (chosen: Settings, context) => new SlowHttpWatcher(chosen, context),
})

interface Lines {
  readonly from: string
  readonly connections: number
  /** From 1: the first opens the connections. */
  readonly turn: number
}

/** One more line of a request on each connection. */
function sendLines(net: Net, { from, connections, turn }: Lines): void {
  for (const n of range(connections)) {
    const [there, back] = [`${from}:${20_000 + n}`, `${SERVER}:80`]
    if (turn === 1) {
      net.say({ from: there, to: back, flags: 'S', sequence: 1000, options: 20 })
      net.say({ from: back, to: there, flags: 'SA', sequence: 5000, acknowledgement: 1001 })
    }
    const sequence = 971 + turn * 30
    net.say({ from: there, to: back, flags: 'PA', sequence, acknowledgement: 5001, payload: 30 })
  }
}

/** One byte that somebody wrote; that of a keep-alive is not pushed (RFC 9293 §3.8.4). */
const isPushedByte = ({ payloadLength, tcpFlags }: Packet): boolean =>
  payloadLength === 1 && (tcpFlags & TCP.psh) !== 0

/**
 * A row is one source and one web service; it knows some of the connections that are open. Those of a /64, and of the
 * service as a whole, add up what the addresses do.
 */
class SlowHttpWatcher implements Watcher {
  readonly protocols = [PROTOCOL.tcp]
  readonly wishes = { followed: true } as const
  readonly #context: WatchContext
  readonly #flows: Flows
  readonly #settings: Settings
  readonly #isWeb = new Uint8Array(65_536)
  readonly #slow: SlowFlows
  readonly #rows: SourceRows
  readonly #members = new Int32Array(ROWS * FLOWS_PER_ROW)
  readonly #membersOpenedAt = new Float64Array(ROWS * FLOWS_PER_ROW)
  readonly #hands = new Uint8Array(ROWS)
  readonly #ordinary: Sliding
  /** Of rows that add up: slow connections at this tick, and of how many addresses. */
  readonly #together = new Uint32Array(ROWS)
  readonly #parts = new Uint32Array(ROWS)

  constructor(chosen: Settings, context: WatchContext) {
    this.#context = context
    this.#flows = context.flows
    this.#settings = chosen
    for (const port of chosen.ports) this.#isWeb[port] = 1
    this.#slow = new SlowFlows(context.flows.capacity)
    this.#rows = new SourceRows(context.hosts, ROWS, STALE_AFTER_MS)
    this.#ordinary = new Sliding(ROWS, ORDINARY_WINDOW_MS)
  }

  packet(packet: Packet): void {
    if (packet.protocol !== PROTOCOL.tcp || packet.flow < 0 || this.#slow.isIdle) return
    if (packet.forward === 0) {
      if (packet.payloadLength > 0 && this.#isWeb[packet.sourcePort] === 1) this.#slow.answer(packet.flow)
    } else if (this.#isWeb[packet.targetPort] === 0) {
      return
    } else if (packet.payloadLength > 1 || isPushedByte(packet)) {
      this.#slow.piece(packet.flow, packet.at)
    } else if (packet.tcpWindow <= SILLY_WINDOW && (packet.tcpFlags & (TCP.syn | TCP.rst | TCP.fin)) === 0) {
      this.#slow.stall(packet.flow, packet.at)
    }
  }

  flowAnswered(flow: number, packet: Packet): void {
    const flows = this.#flows
    const port = flows.targetPort(flow)
    if (this.#isWeb[port] === 0 || flows.protocol(flow) !== PROTOCOL.tcp) return
    if (this.#context.hosts.flowCount(flows.source(flow)) < FEW_FLOWS) return
    const row = this.#rows.claimAddress(flows.source(flow), flows.target(flow), port, packet.at)
    if (row < 0) return
    if (this.#rows.isFresh) {
      this.#membersOpenedAt.fill(0, row * FLOWS_PER_ROW, (row + 1) * FLOWS_PER_ROW)
      this.#ordinary.clear(row)
    }
    this.#slow.follow(flow, packet.at)
    this.#context.follow(flow)
    this.#join(row, flow)
  }

  flowEnded(flow: number): void {
    if (!this.#slow.isFollowed(flow)) return
    const flows = this.#flows
    const wasSlow = this.#isSlow(flow, flows.seenAt(flow))
    this.#slow.forget(flow)
    if (wasSlow || flows.packetsBackward(flow) < 2) return
    const row = this.#rows.findAddress(flows.source(flow), flows.target(flow), flows.targetPort(flow))
    if (row >= 0) this.#ordinary.add(row, flows.seenAt(flow))
  }

  tick(now: number): void {
    const rows = this.#rows
    this.#together.fill(0)
    this.#parts.fill(0)
    for (let row = 0; row < ROWS; row++) {
      if (rows.first(row) < 0) continue
      if (!rows.isKnown(row)) rows.forget(row)
      else if (rows.second(row) >= 0) this.#weigh(row, now)
    }
    for (let row = 0; row < ROWS; row++) {
      if ((this.#parts[row] as number) > 1) this.#weighTogether(row, now)
    }
  }

  /** Keeps the flow where another is over; when all places that it tries are taken, it is not looked at. */
  #join(row: number, flow: number): void {
    const start = row * FLOWS_PER_ROW
    for (let tries = 0; tries < TRIES; tries++) {
      const hand = this.#hands[row] as number
      this.#hands[row] = (hand + 1) % FLOWS_PER_ROW
      if (this.#isOpen(start + hand)) continue
      this.#members[start + hand] = flow
      this.#membersOpenedAt[start + hand] = this.#flows.openedAt(flow)
      this.#rows.addWeight(row)
      return
    }
  }

  #isOpen(at: number): boolean {
    const openedAt = this.#membersOpenedAt[at] as number
    if (openedAt === 0) return false
    const flow = this.#members[at] as number
    return this.#slow.isFollowed(flow) && this.#flows.openedAt(flow) === openedAt
  }

  #isSlow(flow: number, now: number): boolean {
    if (now - this.#flows.openedAt(flow) < this.#settings.afterSeconds * 1000) return false
    const { pieces } = this.#settings
    return this.#slow.pieces(flow) >= pieces || this.#slow.stalls(flow) >= pieces
  }

  #weigh(row: number, now: number): void {
    const rows = this.#rows
    if (rows.weight(row) < SMALLEST_PART) return
    const requests = this.#countSlow(row, true, now)
    const readers = this.#countSlow(row, false, now)
    const count = requests + readers
    if (count < SMALLEST_PART) return
    const [source, target, port] = [rows.sourceOf(row), rows.targetOf(row), rows.portOf(row)]
    this.#addTo(rows.claimSubnet(source, target, port, now), count)
    this.#addTo(rows.claimService(target, port, now), count)
    rows.touch(row, now)
    if (count < this.#settings.connections || !rows.mayTell(row, now)) return
    this.#report(row, requests >= readers ? 'slow-request' : 'slow-read', count, now)
  }

  #addTo(row: number, count: number): void {
    if (row < 0) return
    this.#together[row] = (this.#together[row] as number) + count
    this.#parts[row] = (this.#parts[row] as number) + 1
  }

  #weighTogether(row: number, now: number): void {
    const isService = this.#rows.isService(row)
    if (isService && (this.#parts[row] as number) < TOGETHER_SOURCES) return
    const count = this.#together[row] as number
    if (count < this.#settings.connections * (isService ? TOGETHER_TIMES : 1)) return
    if (!this.#rows.mayTell(row, now)) return
    this.#report(row, 'shared-out', count, now)
  }

  /** Open connections that are slow: at their requests, or else only at reading. */
  #countSlow(row: number, atRequests: boolean, now: number): number {
    let count = 0
    for (let at = row * FLOWS_PER_ROW; at < (row + 1) * FLOWS_PER_ROW; at++) {
      if (!this.#isOpen(at)) continue
      const flow = this.#members[at] as number
      if (this.#flows.state(flow) !== ESTABLISHED || !this.#isSlow(flow, now)) continue
      if (this.#slow.pieces(flow) >= this.#settings.pieces === atRequests) count++
    }
    return count
  }

  #report(row: number, kind: keyof typeof WHAT, count: number, now: number): void {
    const { hosts } = this.#context
    const rows = this.#rows
    rows.tell(row, now)
    const isService = rows.isService(row)
    const victim = hosts.address(rows.targetOf(row))
    const subject = isService ? victim : hosts.address(rows.sourceOf(row))
    const port = rows.portOf(row)
    const sharesAddress = isService || this.#ordinary.within(row, now) >= ORDINARY_CONNECTIONS
    const firstAt = kind === 'shared-out' ? rows.firstAt(row) : this.#oldestOf(row, now)
    const who = isService ? `${this.#parts[row]} addresses together hold` : `${rows.nameOf(row)} holds`
    const shared = sharesAddress && !isService ? '; ordinary clients share its address' : ''
    this.#context.report({
      kind,
      severity: 'high',
      confidence: sharesAddress ? 0.7 : 0.9,
      ...{ at: now, subject, victim },
      ...(isService && { blame: 'nobody' as const }),
      summary: `${who} ${count} connections to ${victim} port ${port} open for ${duration(now - firstAt)} with ${WHAT[kind]}${shared}`,
      key: `slow-http ${subject} ${victim} ${port}`,
      because: `detectors.slow-http.connections = ${this.#settings.connections}`,
      spoofable: false,
      evidence: {
        ...{ firstAt, lastAt: now, count, ratePerSecond: rateOf(count, now - firstAt) },
        ports: [port],
        samples: [],
      },
    })
  }

  #oldestOf(row: number, now: number): number {
    let oldest = now
    const start = row * FLOWS_PER_ROW
    for (let at = start; at < start + FLOWS_PER_ROW; at++) {
      if (this.#isOpen(at)) oldest = Math.min(oldest, this.#membersOpenedAt[at] as number)
    }
    return oldest
  }
}

const WHAT = {
  'slow-request': 'requests that never end',
  'slow-read': 'answers that it does not read',
  'shared-out': 'slow requests or readers',
} as const
