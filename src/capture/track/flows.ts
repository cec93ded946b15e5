/** Hot: runs per packet. Allocates nothing. */
import { type Packet, PROTOCOL, TCP } from '#model/packet.ts'
import { ANSWERED, REFUSED } from './flow-columns.ts'
import type { FlowTable } from './flow-table.ts'
import type { HostTable } from './hosts.ts'
import {
  ANSWERED_STATE,
  CLOSED,
  CLOSING,
  ENDED_EVICTED,
  ENDED_FINISHED,
  ENDED_REFUSED,
  ENDED_RESET,
  ENDED_SHUTDOWN,
  ENDED_TIMEOUT,
  ESTABLISHED,
  EVENT_ANSWERED,
  EVENT_OPENED,
  OPEN,
  RESET,
  SYN_RECEIVED,
  SYN_SENT,
} from './states.ts'
import { firstState, followTcp, opensAnew, startTcp } from './tcp.ts'

/** How long a flow may be silent, in milliseconds, by state. */
export interface FlowTimeouts {
  readonly halfOpen: number
  readonly established: number
  readonly closing: number
  /** Closed and reset: long enough for what is still under way. */
  readonly over: number
  /** One side spoke only. */
  readonly unanswered: number
  readonly answered: number
}

export const FLOW_TIMEOUTS: FlowTimeouts = {
  halfOpen: 20_000,
  established: 3_600_000,
  closing: 60_000,
  over: 5_000,
  unanswered: 30_000,
  answered: 120_000,
}

const NONE = -1
/** Flows looked at to make room for one more: those with a claim to stay, and those without. */
const MOST_STEPS = 32
const MOST_LOOSE_STEPS = 4
/** Flows that end to make room for two hosts. */
const MOST_ENDED_FOR_HOSTS = 4
/** A share of the table that those with a claim leave to the others: an eighth. */
const LOOSE_SHIFT = 3
/** Under pressure an established flow may go only when it was silent for this long. */
const ESTABLISHED_REST_MS = 120_000
/** The part of the table that one tick sweeps: it comes round in eight. */
const SWEEP_SHARE = 8
const SMALLEST_SWEEP = 4096

/** Follows conversations: which flow a packet belongs to, what it does to it, and when a flow is over. */
export class FlowTracker {
  readonly table: FlowTable
  readonly #hosts: HostTable
  readonly #ended: (flow: number, reason: number) => void
  /** Timeout by state code. */
  readonly #timeouts = new Float64Array(8)
  readonly #quoted: Packet
  #hand = 0
  #sweepHand = 0

  /** `quoted` is a packet of our own, to look up what ICMP errors are about. */
  constructor(
    table: FlowTable,
    hosts: HostTable,
    options: { readonly timeouts: FlowTimeouts; readonly quoted: Packet },
    ended: (flow: number, reason: number) => void,
  ) {
    this.table = table
    this.#hosts = hosts
    this.#ended = ended
    this.#quoted = options.quoted
    const { timeouts } = options
    this.#timeouts[SYN_SENT] = timeouts.halfOpen
    this.#timeouts[SYN_RECEIVED] = timeouts.halfOpen
    this.#timeouts[ESTABLISHED] = timeouts.established
    this.#timeouts[CLOSING] = timeouts.closing
    this.#timeouts[CLOSED] = timeouts.over
    this.#timeouts[RESET] = timeouts.over
    this.#timeouts[OPEN] = timeouts.unanswered
    this.#timeouts[ANSWERED_STATE] = timeouts.answered
  }

  /** Finds or opens the packet's flow, counts it there and sets its flow and hosts. Answers EVENT_… bits. */
  follow(packet: Packet): number {
    const { table } = this
    const flow = table.find(packet)
    if (flow === NONE) return this.#open(packet)
    const isTcp = packet.protocol === PROTOCOL.tcp
    if (isTcp && opensAnew(table, flow, packet)) {
      this.#end(flow, ENDED_FINISHED)
      table.find(packet)
      return this.#open(packet)
    }
    packet.flow = flow
    const forward = packet.forward === 1
    packet.source = forward ? table.source(flow) : table.target(flow)
    packet.target = forward ? table.target(flow) : table.source(flow)
    table.touch(flow, packet)
    if (isTcp) return this.#followTcp(flow, packet)
    return forward ? 0 : this.#answer(flow)
  }

  #followTcp(flow: number, packet: Packet): number {
    const events = followTcp(this.table, flow, packet)
    if (events === EVENT_ANSWERED) this.#hosts.prove(this.table.source(flow))
    return events
  }

  #answer(flow: number): number {
    const { table } = this
    if (table.isMarked(flow, ANSWERED)) return 0
    table.mark(flow, ANSWERED)
    table.setState(flow, ANSWERED_STATE)
    return EVENT_ANSWERED
  }

  /** The packet was looked up and not found. */
  #open(packet: Packet): number {
    const { table } = this
    const isTcp = packet.protocol === PROTOCOL.tcp
    const flags = packet.tcpFlags
    packet.forward = isTcp && (flags & (TCP.syn | TCP.ack | TCP.rst)) === (TCP.syn | TCP.ack) ? 0 : 1
    packet.flow = NONE
    if (this.#hosts.isCrowded()) this.#spareHosts(packet.at)
    const hasHosts = this.#internHosts(packet)
    if (!hasHosts || (table.isFull() && !this.#makeRoom(packet.at))) {
      table.countRefused()
      return EVENT_OPENED
    }
    const flow = table.add(packet, isTcp ? firstState(flags) : OPEN)
    if (flow === NONE) {
      table.countRefused()
      return EVENT_OPENED
    }
    packet.flow = flow
    table.touch(flow, packet)
    if (isTcp) startTcp(table, flow, packet)
    return EVENT_OPENED
  }

  /** Sets the hosts of a packet that has no flow: a fragment. */
  lookAtHosts(packet: Packet): void {
    packet.flow = NONE
    packet.forward = 1
    this.#internHosts(packet)
  }

  /** False when one of the two found no room. */
  #internHosts(packet: Packet): boolean {
    const hosts = this.#hosts
    const six = packet.version === 6
    packet.source = six
      ? hosts.internV6(packet.source0, packet.source1, packet.source2, packet.source3)
      : hosts.internV4(packet.source0)
    // The second must not make room by forgetting the first.
    if (packet.source !== NONE) hosts.retain(packet.source)
    packet.target = six
      ? hosts.internV6(packet.target0, packet.target1, packet.target2, packet.target3)
      : hosts.internV4(packet.target0)
    if (packet.source !== NONE) hosts.release(packet.source)
    return packet.source !== NONE && packet.target !== NONE
  }

  /**
   * An ICMP error that says a destination cannot be reached: marks the flow that it is about as refused. Answers that
   * flow, or -1 when there is none, when it was answered before (a late error, or a forged one) or is marked already.
   */
  refuse(packet: Packet): number {
    const quoted = this.#quoted
    if (!saysUnreachable(packet) || !quotes(packet, quoted)) return NONE
    const { table } = this
    const flow = table.find(quoted)
    if (flow === NONE || quoted.forward === 0) return NONE
    if (table.isMarked(flow, ANSWERED) || table.isMarked(flow, REFUSED)) return NONE
    const state = table.state(flow)
    if (state !== SYN_SENT && state !== OPEN) return NONE
    table.mark(flow, REFUSED)
    return flow
  }

  /** Ends flows that were silent too long: a part of the table each time. */
  tick(now: number): void {
    const { table } = this
    const share = Math.max(SMALLEST_SWEEP, Math.ceil(table.capacity / SWEEP_SHARE))
    for (let left = Math.min(share, table.used); left > 0; left--) {
      if (this.#sweepHand >= table.used) this.#sweepHand = 0
      const flow = this.#sweepHand++
      if (!table.isLive(flow)) continue
      const silent = now - table.seenAt(flow)
      // A clock that was set back must not keep it for ever.
      if (silent < 0) table.setSeenAt(flow, now)
      if (silent > (this.#timeouts[table.state(flow)] as number)) this.#end(flow, ENDED_TIMEOUT)
    }
  }

  /** Ends every flow. */
  close(): void {
    for (let flow = 0; flow < this.table.used; flow++) {
      if (this.table.isLive(flow)) this.#end(flow, ENDED_SHUTDOWN)
    }
  }

  /** Lets flows go that nobody answered, until two hosts find room. */
  #spareHosts(now: number): void {
    for (let left = MOST_ENDED_FOR_HOSTS; left > 0 && this.#hosts.isCrowded(); left--) {
      if (!this.#makeRoom(now)) return
    }
  }

  /**
   * Lets one flow go so that another can come: one that nobody answered, or that is over, so that a flood of such pushes
   * out its own kind. Where those are few, a flood of answered ones (forged pings, say) is what fills the table, and
   * of these one that was silent for long goes: the tries of a scanner among them are not what makes room.
   */
  #makeRoom(now: number): boolean {
    const { table } = this
    const isLooseFew = table.looseCount < table.capacity >>> LOOSE_SHIFT
    const first = isLooseFew ? this.#nextRested(now) : this.#nextLoose()
    const flow = first !== NONE ? first : isLooseFew ? this.#nextLoose() : this.#nextRested(now)
    if (flow === NONE) return false
    this.#end(flow, ENDED_EVICTED)
    return true
  }

  /**
   * A hand goes round; of the next few it takes the first whose opener has the least standing: each address of a flood
   * from forged ones comes once, a scanner again and again.
   */
  #nextLoose(): number {
    const { table } = this
    let found = NONE
    let least = Number.POSITIVE_INFINITY
    for (let steps = 0; steps < MOST_LOOSE_STEPS && least > 0; steps++) {
      const flow = table.nextLoose(this.#hand)
      if (flow === NONE) return NONE
      this.#hand = flow + 1 === table.capacity ? 0 : flow + 1
      const standing = this.#hosts.standing(table.source(flow))
      if (standing >= least) continue
      found = flow
      least = standing
    }
    return found
  }

  /** The longest silent of the next few flows. One that is established must have rested for a while to lose its claim. */
  #nextRested(now: number): number {
    const { table } = this
    let found = NONE
    let longest = 0
    for (let steps = 0; steps < MOST_STEPS; steps++) {
      const flow = this.#hand
      this.#hand = flow + 1 === table.capacity ? 0 : flow + 1
      if (!table.isLive(flow) || table.isLoose(flow)) continue
      const silent = now - table.seenAt(flow)
      if (silent <= longest || (table.state(flow) !== ANSWERED_STATE && silent < ESTABLISHED_REST_MS))
        continue
      found = flow
      longest = silent
    }
    return found
  }

  #end(flow: number, because: number): void {
    this.#ended(flow, this.#reasonOf(flow, because))
    this.table.remove(flow)
  }

  /** What the flow itself came to wins over why it leaves the table. */
  #reasonOf(flow: number, because: number): number {
    const { table } = this
    const state = table.state(flow)
    if (table.isMarked(flow, REFUSED)) return ENDED_REFUSED
    if (state === RESET) return ENDED_RESET
    if (state === CLOSED) return ENDED_FINISHED
    const bothFinished = (table.flagsForward(flow) & table.flagsBackward(flow) & TCP.fin) !== 0
    return state === CLOSING && bothFinished ? ENDED_FINISHED : because
  }
}

/** Destination unreachable: ICMP type 3 (but 4, fragmentation needed) and ICMPv6 type 1. */
function saysUnreachable(packet: Packet): boolean {
  if (packet.quotedProtocol === 0) return false
  if (packet.version === 6) return packet.sourcePort === 1
  return packet.sourcePort === 3 && packet.targetPort !== 4
}

/** Copies what the error quotes into a packet of its own; false when the error went to somebody else. */
function quotes(error: Packet, quoted: Packet): boolean {
  if (error.quotedSource0 !== error.target0 || error.quotedSource3 !== error.target3) return false
  quoted.version = error.version
  quoted.protocol = error.quotedProtocol
  quoted.sourcePort = error.quotedSourcePort
  quoted.targetPort = error.quotedTargetPort
  quoted.source0 = error.quotedSource0
  quoted.source1 = error.quotedSource1
  quoted.source2 = error.quotedSource2
  quoted.source3 = error.quotedSource3
  quoted.target0 = error.quotedTarget0
  quoted.target1 = error.quotedTarget1
  quoted.target2 = error.quotedTarget2
  quoted.target3 = error.quotedTarget3
  return true
}
