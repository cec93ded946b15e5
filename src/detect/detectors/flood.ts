/** Hot: runs per packet. Allocates nothing unless it reports. */
import { z } from 'zod'
import { FLOW_STATES, type Flows } from '#model/flow.ts'
import type { Hosts } from '#model/host.ts'
import { type Packet, PROTOCOL, TCP } from '#model/packet.ts'
import type { Watcher } from '#model/watcher.ts'
import { defineDetector, type WatchContext } from '../detector.ts'
import { isForgedSyn } from '../probe.ts'
import { reflectorOf } from '../reflectors.ts'
import { range } from '../self-test/net.ts'
import { SERVER } from '../self-test/self-test.ts'
import { SURGE, Surge } from '../surge.ts'
import { reportSurge } from '../surge-report.ts'

const ROWS = 2_048
/** A target that gets fewer suspicious packets in a second costs nothing but a counter. */
const NOTICED = 30
const FEW_FLOWS = 8
const OPEN = FLOW_STATES.indexOf('open')
const RESET = FLOW_STATES.indexOf('reset')
const SYN_ACK = TCP.syn | TCP.ack
/** Services where each datagram is a request: also a single flow of many is a flood. DNS, NTP, SNMP, LDAP. */
const REQUEST_PORTS: readonly number[] = [53, 123, 161, 389]

const KIND = { syn: 0, ack: 1, fragment: 2, udp: 3, icmp: 4 } as const
const KINDS = ['syn', 'ack', 'fragment', 'udp', 'icmp'] as const
/** What a fragment carries on an Ethernet, or less: so many made up a datagram that became whole. */
const FRAGMENT_BYTES = 1_200

const perSecond = (fallback: number, what: string) =>
  z.int().min(10).max(10_000_000).default(fallback).describe(what)

const settings = z
  .object({
    synPerSecond: perSecond(200, 'SYNs a second to one host that come to no handshake'),
    ackPerSecond: perSecond(500, 'TCP packets a second to one host that belong to no connection'),
    fragmentPerSecond: perSecond(500, 'Fragments a second to one host of datagrams that never become whole'),
    udpPerSecond: perSecond(1_000, 'UDP packets a second to one host that begin a flow or get no answer'),
    icmpPerSecond: perSecond(250, 'ICMP messages a second that one host did not ask for'),
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
  id: 'flood',
  title: 'Flood',
  technique: 'T1498.001',
  settings,
  selfTest: {
    fires(net) {
      for (const n of range(1_500)) {
        net.silent({ from: `100.64.${n >> 8}.${n & 255}`, to: SERVER, port: 80, options: 0 })
        if (n % 500 === 0) net.pass(990)
      }
    },
    staysSilent(net) {
      for (const n of range(1_500)) {
        net.connects({ from: `100.64.${n >> 8}.${n & 255}`, to: SERVER, port: 443 })
        if (n % 500 === 0) net.pass(970)
      }
    },
  },
  watch: (chosen: Settings, context) => new FloodWatcher(chosen, context),
})

/** A row is one target and one kind of packet. */
class FloodWatcher implements Watcher {
  readonly wishes = { syn: true, loose: true, reassembled: true, toPorts: REQUEST_PORTS } as const
  readonly #context: WatchContext
  readonly #hosts: Hosts
  readonly #flows: Flows
  readonly #settings: Settings
  readonly #thresholds: readonly number[]
  readonly #surge: Surge
  /** Per host: the second (upper half) and how many suspicious packets it got in it. */
  readonly #noticed: Uint32Array
  #second = 0
  #tickedAt = Number.NaN

  constructor(chosen: Settings, context: WatchContext) {
    this.#context = context
    this.#hosts = context.hosts
    this.#flows = context.flows
    this.#settings = chosen
    this.#thresholds = KINDS.map((kind) => chosen[`${kind}PerSecond`])
    this.#surge = new Surge(context.hosts, ROWS, chosen.timesUsual)
    this.#noticed = new Uint32Array(context.hosts.capacity)
  }

  packet(packet: Packet): void {
    if (packet.reassembled === 1) this.#becameWhole(packet)
    const kind = this.#kindOf(packet)
    if (kind >= 0) this.#notice(kind, packet)
  }

  fragment(packet: Packet): void {
    packet.targetPort = 0
    this.#notice(KIND.fragment, packet)
  }

  /** A handshake that was made, or the answer to a flow that we saw from the middle: no flood. */
  flowAnswered(flow: number): void {
    if (this.#flows.protocol(flow) !== PROTOCOL.tcp) return
    const isSyn = (this.#flows.firstFlags(flow) & TCP.syn) !== 0
    const row = this.#surge.rows.find(this.#flows.target(flow), -1, isSyn ? KIND.syn : KIND.ack)
    if (row >= 0) this.#surge.offset[row] = (this.#surge.offset[row] as number) + 1
  }

  flowRefused(flow: number): void {
    const kind = this.#flows.protocol(flow) === PROTOCOL.tcp ? KIND.syn : KIND.udp
    const row = this.#surge.rows.find(this.#flows.target(flow), -1, kind)
    if (row >= 0) this.#surge.refuse(row)
  }

  tick(now: number): void {
    const elapsedMs = Math.max(1000, Math.min(now - this.#tickedAt || 1000, 60_000))
    this.#tickedAt = now
    this.#second = Math.floor(now / 1000) & 0xffff
    const { rows } = this.#surge
    for (let row = 0; row < rows.capacity; row++) {
      if (rows.first(row) < 0) continue
      if (!rows.isKnown(row) || rows.isStale(row, now)) rows.forget(row)
      else this.#turn(row, now, elapsedMs)
    }
  }

  #becameWhole(packet: Packet): void {
    const row = this.#surge.rows.find(packet.target, -1, KIND.fragment)
    if (row < 0) return
    const fragments = Math.ceil(packet.payloadLength / FRAGMENT_BYTES)
    this.#surge.offset[row] = (this.#surge.offset[row] as number) + fragments
  }

  #notice(kind: number, packet: Packet): void {
    const target = packet.target
    if (target < 0 || this.#isQuiet(packet)) return
    const tag = this.#second << 16
    const before = this.#noticed[target] as number
    // Counts to 65,535 and stays there.
    const count = (before & 0xffff0000) === tag ? Math.min(0xffff, (before & 0xffff) + 1) : 1
    this.#noticed[target] = tag | count
    if (count >= NOTICED || this.#surge.rows.find(target, -1, kind) >= 0) this.#count(kind, packet)
  }

  /** True for one of few packets of one of few flows: told from what the caches hold already. */
  #isQuiet(packet: Packet): boolean {
    if (packet.flow < 0 || this.#flows.packetsForward(packet.flow) >= NOTICED) return false
    return this.#hosts.flowCount(packet.target) < FEW_FLOWS
  }

  #kindOf(packet: Packet): number {
    if (packet.protocol === PROTOCOL.tcp) return this.#kindOfTcp(packet)
    // What goes back was asked for.
    if (packet.forward === 0) return -1
    if (packet.protocol === PROTOCOL.udp) return this.#isLoneDatagram(packet) ? KIND.udp : -1
    const isIcmp = packet.protocol === PROTOCOL.icmp || packet.protocol === PROTOCOL.icmpv6
    return isIcmp && packet.quotedProtocol === 0 ? KIND.icmp : -1
  }

  #kindOfTcp(packet: Packet): number {
    const flags = packet.tcpFlags
    if ((flags & SYN_ACK) === TCP.syn) return KIND.syn
    if (packet.forward === 0 || (flags & TCP.syn) !== 0) return -1
    if (packet.flow < 0) return KIND.ack
    // A long flow that is seen from one side only is no flood: its first packet counts, or what comes after a reset.
    const state = this.#flows.state(packet.flow)
    if (state === OPEN) return this.#flows.packetsForward(packet.flow) === 1 ? KIND.ack : -1
    return state === RESET && (flags & (TCP.rst | TCP.fin)) === 0 ? KIND.ack : -1
  }

  #isLoneDatagram(packet: Packet): boolean {
    const flow = packet.flow
    if (flow >= 0) {
      const isFirst = this.#flows.packetsForward(flow) === 1
      const isUnanswered = this.#flows.state(flow) === OPEN
      if (!isFirst && !isUnanswered && !REQUEST_PORTS.includes(packet.targetPort)) return false
    }
    // amplification tells of those.
    return reflectorOf(packet) < 0 && (packet.target < 0 || !goesToGroup(packet))
  }

  #count(kind: number, packet: Packet): void {
    const surge = this.#surge
    const row = surge.claim(packet.target, kind, packet.at)
    if (row < 0) return
    surge.add(row, packet, packet.flow < 0 || this.#flows.packetsForward(packet.flow) === 1)
    if (kind === KIND.syn && isForgedSyn(packet)) surge.forge(row)
    // Whether a SYN comes to something shows a round trip later: those are weighed by the second.
    // And whether a datagram becomes whole, with its last fragment.
    if (kind < KIND.udp || surge.isAttacked(row)) return
    if ((surge.packets[row] as number) < surge.limit(row, this.#thresholds[kind] as number)) return
    if (surge.isScan(row)) return
    surge.begin(row, Math.min(packet.at, Math.max(this.#tickedAt || 0, surge.rows.firstAt(row))))
    this.#report(row, packet.at)
  }

  #turn(row: number, now: number, elapsedMs: number): void {
    const surge = this.#surge
    const isAnew = surge.rows.timesTold(row) === 0
    const meaning = surge.turn(row, this.#thresholds[surge.rows.what(row)] as number, now, elapsedMs)
    if (meaning === SURGE.calm) return
    if (isAnew && surge.isScan(row)) {
      surge.end(row)
      return
    }
    if (meaning === SURGE.ends) {
      this.#report(row, now, surge.aboveAt[row])
      surge.end(row)
    } else if (isAnew || surge.rows.mayTell(row, now)) {
      this.#report(row, now)
    }
  }

  #report(row: number, now: number, endedAt?: number): void {
    const surge = this.#surge
    surge.rows.tell(row, now)
    const kind = surge.rows.what(row)
    const name = KINDS[kind] as (typeof KINDS)[number]
    reportSurge(this.#context, surge, row, {
      at: now,
      endedAt,
      detector: 'flood',
      kind: name,
      noun: NOUNS[name],
      setting: `${name}PerSecond`,
      threshold: this.#settings[`${name}PerSecond`],
    })
  }
}

/** Multicast and broadcast, told from the packet itself: the table of hosts would have to be fetched. */
const goesToGroup = ({ version, target0 }: Packet): boolean =>
  version === 6 ? target0 >>> 24 === 0xff : target0 >>> 28 === 0xe || target0 === -1

const NOUNS = {
  syn: 'SYNs without a handshake',
  ack: 'TCP packets of no connection',
  fragment: 'stray fragments',
  udp: 'UDP packets',
  icmp: 'ICMP messages',
} as const
