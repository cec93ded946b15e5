/** Hot: runs per packet. Allocates nothing. */
import type { FlowRecord, Flows } from '#model/flow.ts'
import type { Hosts } from '#model/host.ts'
import { Packet } from '#model/packet.ts'
import type { Watcher } from '#model/watcher.ts'
import { type FragmentCounts, Fragments } from './decode/fragments.ts'
import {
  ARP,
  BAD_FRAGMENT,
  FIRST_UNDECODABLE,
  HELD,
  PACKET,
  UNDECODABLE,
  type Undecodable,
} from './decode/outcome.ts'
import { PacketDecoder } from './decode/packet.ts'
import { type FrameSink, type FramesAhead, LINK_TYPE, MOST_FRAMES_AHEAD } from './source.ts'
import { flowRecordOf } from './track/flow-record.ts'
import { FlowTable } from './track/flow-table.ts'
import { FLOW_TIMEOUTS, type FlowTimeouts, FlowTracker } from './track/flows.ts'
import { HostTable } from './track/hosts.ts'
import { LookAhead } from './track/look-ahead.ts'
import { EVENT_ABORTED, EVENT_ANSWERED, EVENT_OPENED, EVENT_REFUSED } from './track/states.ts'

export interface EngineOptions {
  /** Of the hash functions: random when live, so that nobody can aim at one bucket; fixed in replay. */
  readonly seed: number
  /** 524,288 unless told. Twice maxFlows or more, and no host that a flow needs is ever refused. */
  readonly maxHosts?: number
  /** 262,144 unless told: 32 MB. */
  readonly maxFlows?: number
  readonly timeouts?: Partial<FlowTimeouts>
  /** How long a host without flows is remembered: 10 minutes unless told. */
  readonly hostIdleMs?: number
}

/** What the engine did since it was made. Plain data: it crosses threads. */
export interface EngineCounts {
  /** Frames, and their bytes on the wire. */
  readonly packets: number
  readonly bytes: number
  /** IP packets that were followed; ARP packets. */
  readonly ip: number
  readonly arp: number
  /** Packets that came out of a tunnel. */
  readonly tunnelled: number
  readonly undecodable: Readonly<Record<Undecodable, number>>
  readonly undecodableTotal: number
  readonly fragments: FragmentCounts
  readonly flowsOpened: number
  readonly flowsEnded: number
  readonly flowsEvicted: number
  /** Refusals of the full tables. */
  readonly refusedFlows: number
  readonly refusedHosts: number
}

/** Frames in, events out: the loop that live capture and replay share. */
export interface Engine extends FrameSink {
  readonly hosts: Hosts & Pick<HostTable, 'internV4' | 'internV6'>
  readonly flows: Flows
  /** A fresh copy each time. */
  readonly counts: EngineCounts
  /** Who is told of events, from the next frame on: those before are told no more. */
  watch(watchers: readonly Watcher[]): void
  /** For a clock, when no packets come: the engine itself ticks once a second of packet time. */
  tick(now: number): void
  /** Plain data about one flow, also during `flowEnded` (then with its end). Allocates: for reports only. */
  flowRecord(flow: number, interfaceName: string): FlowRecord
  /** Interface index of the flow's first packet. */
  flowInterface(flow: number): number
  /** Every flow that packets touched since the last call. */
  eachChanged(visit: (flow: number) => void): void
  /** Ends every flow with `shutdown`, or with what it had come to. */
  close(now: number): void
}

export const createEngine = (options: EngineOptions): Engine => new PacketEngine(options)

const TICK_MS = 1000
/** A clock that went back by more than this was set; by less, packets overtook one another. */
const CLOCK_SET_BACK_MS = 5000
const DEFAULT_HOSTS = 1 << 19
const DEFAULT_FLOWS = 1 << 18
const DEFAULT_HOST_IDLE_MS = 600_000

/** Counters are doubles in one array: a plain field that outgrows 31 bits would be allocated anew at each step. */
const PACKETS = 0
const BYTES = 1
const TUNNELLED = 2
const FLOWS_OPENED = 3
const FLOWS_ENDED = 4
const FLOWS_EVICTED = 5
const OUTCOMES = 8
const END_EVICTED = 4

type Told = (packet: Packet) => void
type ToldOfFlow = (flow: number, packet: Packet) => void

class PacketEngine implements Engine {
  readonly hosts: HostTable
  readonly flows: FlowTable
  readonly #packet = new Packet()
  readonly #fragments: Fragments
  readonly #decoder: PacketDecoder
  readonly #tracker: FlowTracker
  readonly #lookAhead: LookAhead
  readonly #counters = new Float64Array(32)
  #onPacket: Told | undefined
  #onArp: Told | undefined
  #onFragment: Told | undefined
  #onOpened: ToldOfFlow | undefined
  #onAnswered: ToldOfFlow | undefined
  #onRefused: ToldOfFlow | undefined
  #onAborted: ToldOfFlow | undefined
  #onEnded: readonly ((flow: number, reason: number) => void)[] = []
  #onForgotten: readonly ((host: number) => void)[] = []
  #onTick: readonly ((now: number) => void)[] = []
  #nextTick = Number.NEGATIVE_INFINITY
  /** The flow that is leaving, while flowEnded runs. */
  #ending = -1
  #endingBecause = 0

  constructor(options: EngineOptions) {
    const { seed } = options
    this.hosts = new HostTable(
      options.maxHosts ?? DEFAULT_HOSTS,
      seed,
      options.hostIdleMs ?? DEFAULT_HOST_IDLE_MS,
      (host) => this.#hostForgotten(host),
    )
    this.flows = new FlowTable(options.maxFlows ?? DEFAULT_FLOWS, seed, this.hosts)
    this.#lookAhead = new LookAhead(this.flows, this.hosts, MOST_FRAMES_AHEAD)
    this.#fragments = new Fragments(seed)
    this.#decoder = new PacketDecoder(this.#packet, this.#fragments)
    this.#tracker = new FlowTracker(
      this.flows,
      this.hosts,
      { timeouts: { ...FLOW_TIMEOUTS, ...options.timeouts }, quoted: new Packet() },
      (flow, reason) => this.#flowEnded(flow, reason),
    )
  }

  get counts(): EngineCounts {
    const counters = this.#counters
    const count = (at: number): number => counters[at] ?? 0
    const reasons = UNDECODABLE.map((name, at) => [name, count(OUTCOMES + FIRST_UNDECODABLE + at)] as const)
    return {
      packets: count(PACKETS),
      bytes: count(BYTES),
      ip: count(OUTCOMES + PACKET),
      arp: count(OUTCOMES + ARP),
      tunnelled: count(TUNNELLED),
      undecodable: Object.fromEntries(reasons) as Record<Undecodable, number>,
      undecodableTotal: reasons.reduce((sum, [, value]) => sum + value, 0),
      fragments: this.#fragments.counts,
      flowsOpened: count(FLOWS_OPENED),
      flowsEnded: count(FLOWS_ENDED),
      flowsEvicted: count(FLOWS_EVICTED),
      refusedFlows: this.flows.refused,
      refusedHosts: this.hosts.refused,
    }
  }

  watch(watchers: readonly Watcher[]): void {
    this.#onPacket = joined(watchers.flatMap((watcher) => watcher.packet?.bind(watcher) ?? []))
    this.#onArp = joined(watchers.flatMap((watcher) => watcher.arp?.bind(watcher) ?? []))
    this.#onFragment = joined(watchers.flatMap((watcher) => watcher.fragment?.bind(watcher) ?? []))
    this.#onOpened = joined(watchers.flatMap((watcher) => watcher.flowOpened?.bind(watcher) ?? []))
    this.#onAnswered = joined(watchers.flatMap((watcher) => watcher.flowAnswered?.bind(watcher) ?? []))
    this.#onRefused = joined(watchers.flatMap((watcher) => watcher.flowRefused?.bind(watcher) ?? []))
    this.#onAborted = joined(watchers.flatMap((watcher) => watcher.flowAborted?.bind(watcher) ?? []))
    this.#onEnded = watchers.flatMap((watcher) => watcher.flowEnded?.bind(watcher) ?? [])
    this.#onForgotten = watchers.flatMap((watcher) => watcher.hostForgotten?.bind(watcher) ?? [])
    this.#onTick = watchers.flatMap((watcher) => watcher.tick?.bind(watcher) ?? [])
  }

  ahead(view: DataView, frames: FramesAhead, linkType: number): void {
    if (linkType === LINK_TYPE.ethernet) this.#lookAhead.fetch(view, frames)
  }

  // Eight parameters: FrameSink, a frame without an object around it.
  frame(
    view: DataView,
    offset: number,
    captured: number,
    length: number,
    at: number,
    linkType: number,
    interfaceIndex: number,
    vlan: number,
  ): void {
    const counters = this.#counters
    const packet = this.#packet
    counters[PACKETS] = (counters[PACKETS] as number) + 1
    counters[BYTES] = (counters[BYTES] as number) + length
    if (at >= this.#nextTick || at < this.#nextTick - TICK_MS - CLOCK_SET_BACK_MS) this.tick(at)
    packet.at = at
    packet.length = length
    packet.interfaceIndex = interfaceIndex
    packet.vlan = vlan
    const outcome = this.#decoder.decode(view, offset, captured, length, linkType)
    counters[OUTCOMES + outcome] = (counters[OUTCOMES + outcome] as number) + 1
    if (outcome === PACKET) this.#follow(packet)
    else if (outcome === ARP) this.#onArp?.(packet)
    else if (outcome === HELD || outcome === BAD_FRAGMENT) this.#tellOfFragment(packet)
  }

  #follow(packet: Packet): void {
    const counters = this.#counters
    if (packet.tunnels !== 0) counters[TUNNELLED] = (counters[TUNNELLED] as number) + 1
    const events = this.#tracker.follow(packet)
    if (events !== 0) this.#raise(events, packet)
    if (packet.quotedProtocol !== 0) this.#refuseQuoted(packet)
    this.#onPacket?.(packet)
  }

  #tellOfFragment(packet: Packet): void {
    if (this.#onFragment === undefined) return
    this.#tracker.lookAtHosts(packet)
    this.#onFragment(packet)
  }

  #raise(events: number, packet: Packet): void {
    const counters = this.#counters
    const flow = packet.flow
    if ((events & EVENT_OPENED) !== 0) {
      if (flow >= 0) counters[FLOWS_OPENED] = (counters[FLOWS_OPENED] as number) + 1
      this.#onOpened?.(flow, packet)
    }
    if ((events & EVENT_ANSWERED) !== 0) this.#onAnswered?.(flow, packet)
    if ((events & EVENT_REFUSED) !== 0) this.#onRefused?.(flow, packet)
    if ((events & EVENT_ABORTED) !== 0) this.#onAborted?.(flow, packet)
  }

  #refuseQuoted(packet: Packet): void {
    const refused = this.#tracker.refuse(packet)
    if (refused >= 0) this.#onRefused?.(refused, packet)
  }

  tick(now: number): void {
    this.#nextTick = (Math.floor(now / TICK_MS) + 1) * TICK_MS
    this.#tracker.tick(now)
    this.hosts.tick(now)
    this.#fragments.tick(now)
    const told = this.#onTick
    for (let at = 0; at < told.length; at++) told[at]?.(now)
  }

  flowRecord(flow: number, interfaceName: string): FlowRecord {
    const reason = flow === this.#ending ? this.#endingBecause : undefined
    return flowRecordOf(this.flows, this.hosts, flow, { interfaceName, reason })
  }

  flowInterface(flow: number): number {
    return this.flows.interfaceIndex(flow)
  }

  eachChanged(visit: (flow: number) => void): void {
    this.flows.eachChanged(visit)
  }

  close(now: number): void {
    this.tick(now)
    this.#tracker.close()
  }

  #flowEnded(flow: number, reason: number): void {
    const counters = this.#counters
    counters[FLOWS_ENDED] = (counters[FLOWS_ENDED] as number) + 1
    if (reason === END_EVICTED) counters[FLOWS_EVICTED] = (counters[FLOWS_EVICTED] as number) + 1
    this.#ending = flow
    this.#endingBecause = reason
    const told = this.#onEnded
    for (let at = 0; at < told.length; at++) told[at]?.(flow, reason)
    this.#ending = -1
  }

  #hostForgotten(host: number): void {
    const told = this.#onForgotten
    for (let at = 0; at < told.length; at++) told[at]?.(host)
  }
}

/** One call for several listeners; of one, that one itself. */
function joined<Tell extends (first: never, second: never) => void>(told: readonly Tell[]): Tell | undefined {
  const [one, other, ...others] = told
  if (!one || !other) return one
  const rest = joined(others)
  return ((first: never, second: never) => {
    one(first, second)
    other(first, second)
    rest?.(first, second)
  }) as Tell
}
