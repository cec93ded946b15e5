/** Hot: runs per packet. Allocates nothing. */
import { BitSet } from '#lib/bit-set.ts'
import type { Flows } from '#model/flow.ts'
import type { Packet } from '#model/packet.ts'
import {
  BYTES,
  BYTES_HIGH,
  FlowColumns,
  HANDSHAKE_MS,
  HASH,
  KIND,
  NUMBER,
  OPENED_AT,
  PACKETS,
  PLACE,
  PORTS,
  RETRANSMITS,
  SEEN_AT,
  SHIFT,
  SOURCE,
  SOURCE_ADDRESS,
  STATUS,
  SYN_AT,
  TARGET,
  TARGET_ADDRESS,
} from './flow-columns.ts'
import type { HostTable } from './hosts.ts'
import { Mix } from './mix.ts'
import { MOST_PROBES, SlotIndex } from './slot-index.ts'

const NONE = -1

/** Flows, bounded: finds, adds and removes records. What packets mean is not its business (flows.ts, tcp.ts). */
export class FlowTable extends FlowColumns implements Flows {
  readonly #hosts: HostTable
  readonly #index: SlotIndex
  readonly #mix: Mix
  /** Flows that were touched since `eachChanged`. */
  readonly #changed: BitSet
  #count = 0
  #refused = 0
  #used = 0
  #free = NONE
  #last = NONE
  #opened = 0
  /** Of the packet last looked up: its hash and addresses folded to one word each. */
  #hash = 0
  #sourceWord = 0
  #targetWord = 0

  constructor(capacity: number, seed: number, hosts: HostTable) {
    super(capacity)
    this.#hosts = hosts
    this.#index = new SlotIndex(capacity)
    this.#mix = new Mix(seed ^ 0x5bd1e995)
    this.#changed = new BitSet(capacity)
  }

  get count(): number {
    return this.#count
  }

  get refused(): number {
    return this.#refused
  }

  /** Records ever used: ids beyond are not in use. */
  get used(): number {
    return this.#used
  }

  isFull(): boolean {
    return this.#free === NONE && this.#used === this.capacity
  }

  /** The flow of a packet or -1; sets `packet.forward`. */
  find(packet: Packet): number {
    const six = packet.version === 6
    const a = six
      ? this.#hosts.fold(packet.source0, packet.source1, packet.source2, packet.source3)
      : packet.source0
    const b = six
      ? this.#hosts.fold(packet.target0, packet.target1, packet.target2, packet.target3)
      : packet.target0
    const kind = (packet.version << 8) | packet.protocol
    const there = (packet.sourcePort << 16) | packet.targetPort
    const back = (packet.targetPort << 16) | packet.sourcePort
    // Packets come in trains: the next is often of the same flow.
    const last = this.#last
    if (last !== NONE && this.#matches(last, packet, a, b, there, back, kind)) return last

    this.#hash = this.hashOf(a, b, there, kind)
    this.#sourceWord = a
    this.#targetWord = b
    return this.#search(packet, a, b, there, back, kind)
  }

  /** The same for both ways. `a` and `b` are addresses as one word each, `ports` those of source and target. */
  hashOf(a: number, b: number, ports: number, kind: number): number {
    const [source, target] = [ports >>> 16, ports & 0xffff]
    const inOrder = a < b || (a === b && source <= target)
    return inOrder ? this.#mix.four(a, b, ports, kind) : this.#mix.four(b, a, (target << 16) | source, kind)
  }

  /** The flow that lies where a search for this hash begins, which need not be the one; -1 when none does. */
  firstAt(hash: number): number {
    const { slots, mask, idMask } = this.#index
    return ((slots[hash & mask] as number) & idMask) - 1
  }

  // Six parameters, and #matches has seven: a hot path that must not read the packet's fields twice.
  #search(packet: Packet, a: number, b: number, there: number, back: number, kind: number): number {
    const hash = this.#hash
    const { slots, mask, idMask, step } = this.#index
    let want = hash & this.#index.tagMask
    for (let probes = 0; probes < MOST_PROBES; probes++, want += step) {
      const word = slots[(hash + probes) & mask] as number
      if (word === 0) return NONE
      if ((word & ~idMask) !== want) continue
      const flow = (word & idMask) - 1
      if (!this.#matches(flow, packet, a, b, there, back, kind)) continue
      this.#last = flow
      return flow
    }
    return NONE
  }

  #matches(
    flow: number,
    packet: Packet,
    a: number,
    b: number,
    there: number,
    back: number,
    kind: number,
  ): boolean {
    const words = this.words
    const base = flow << SHIFT
    if (words[base + KIND] !== kind) return false
    const source = words[base + SOURCE_ADDRESS]
    const target = words[base + TARGET_ADDRESS]
    const ports = words[base + PORTS]
    if (source === a && target === b && ports === there) {
      packet.forward = 1
      return (
        kind < 0x600 || this.#isSame6(packet, words[base + SOURCE] as number, words[base + TARGET] as number)
      )
    }
    if (source === b && target === a && ports === back) {
      packet.forward = 0
      return (
        kind < 0x600 || this.#isSame6(packet, words[base + TARGET] as number, words[base + SOURCE] as number)
      )
    }
    return false
  }

  /** IPv6 addresses are folded into one word each: equal words do not prove equal addresses. */
  #isSame6(packet: Packet, source: number, target: number): boolean {
    return (
      this.#hosts.isV6At(source, packet.source0, packet.source1, packet.source2, packet.source3) &&
      this.#hosts.isV6At(target, packet.target0, packet.target1, packet.target2, packet.target3)
    )
  }

  /** Counts a packet of a known flow. */
  touch(flow: number, packet: Packet): void {
    const words = this.words
    const base = flow << SHIFT
    const doubles = this.doubles
    const half = flow << (SHIFT - 1)
    const backward = packet.forward ^ 1
    const count = base + PACKETS + backward
    words[count] = (words[count] as number) + 1
    const low = base + BYTES + backward
    const sum = ((words[low] as number) + packet.length) | 0
    words[low] = sum
    if (sum >>> 0 < packet.length)
      words[base + BYTES_HIGH + backward] = (words[base + BYTES_HIGH + backward] as number) + 1
    words[base + STATUS] = (words[base + STATUS] as number) | (packet.tcpFlags << (backward << 3))
    if (packet.at > (doubles[half + SEEN_AT] as number)) doubles[half + SEEN_AT] = packet.at
    this.#changed.add(flow)
  }

  /**
   * Adds the flow of the packet that `find` last did not find; `packet.source`, `target` and `forward` are set, and
   * the table is not full. Answers -1 when the index is too crowded there.
   */
  add(packet: Packet, state: number): number {
    const flow = this.#free === NONE ? this.#used++ : this.#free
    if (flow === this.#free) this.#free = this.words[flow << SHIFT] as number
    if (!this.#index.insert(this.#hash, flow)) {
      this.#giveBack(flow)
      return NONE
    }
    const words = this.words
    const base = flow << SHIFT
    const forward = packet.forward === 1
    words[base + SOURCE_ADDRESS] = forward ? this.#sourceWord : this.#targetWord
    words[base + TARGET_ADDRESS] = forward ? this.#targetWord : this.#sourceWord
    words[base + PORTS] = forward
      ? (packet.sourcePort << 16) | packet.targetPort
      : (packet.targetPort << 16) | packet.sourcePort
    words[base + KIND] = (packet.version << 8) | packet.protocol
    words[base + HASH] = this.#hash
    words[base + SOURCE] = forward ? packet.source : packet.target
    words[base + TARGET] = forward ? packet.target : packet.source
    words[base + STATUS] = packet.tcpFlags << 16
    // One by one: fill() is a call that costs more than these.
    words[base + PACKETS] = 0
    words[base + PACKETS + 1] = 0
    words[base + BYTES] = 0
    words[base + BYTES + 1] = 0
    words[base + BYTES_HIGH] = 0
    words[base + BYTES_HIGH + 1] = 0
    words[base + RETRANSMITS] = 0
    words[base + RETRANSMITS + 1] = 0
    words[base + PLACE] = (packet.vlan << 16) | (packet.interfaceIndex & 0xffff)
    this.setState(flow, state)
    this.#resetDoubles(flow, packet.at)
    this.#hosts.retain(packet.source)
    this.#hosts.retain(packet.target)
    this.#count++
    this.#last = flow
    return flow
  }

  #resetDoubles(flow: number, at: number): void {
    const doubles = this.doubles
    const half = flow << (SHIFT - 1)
    doubles[half + SEEN_AT] = at
    doubles[half + OPENED_AT] = at
    doubles[half + SYN_AT] = Number.NaN
    doubles[half + HANDSHAKE_MS] = Number.NaN
    doubles[half + NUMBER] = ++this.#opened
  }

  remove(flow: number): void {
    const words = this.words
    const base = flow << SHIFT
    this.#index.remove(words[base + HASH] as number, flow)
    this.#hosts.release(words[base + SOURCE] as number)
    this.#hosts.release(words[base + TARGET] as number)
    this.#changed.delete(flow)
    this.#giveBack(flow)
    this.#count--
  }

  countRefused(): void {
    this.#refused++
  }

  eachChanged(visit: (flow: number) => void): void {
    this.#changed.drain(visit)
  }

  #giveBack(flow: number): void {
    this.clearRecord(flow)
    this.words[flow << SHIFT] = this.#free
    this.#free = flow
    if (this.#last === flow) this.#last = NONE
  }
}
