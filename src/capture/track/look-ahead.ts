/** Hot: runs per packet. Allocates nothing. */
import type { FramesAhead } from '#capture/source.ts'
import type { FlowTable } from './flow-table.ts'
import type { HostTable } from './hosts.ts'

const ETHERNET_HEADER = 14
const ETHERTYPE_IPV4 = 0x0800
const ETHERTYPE_IPV6 = 0x86dd
const IPV4_HEADER = 20
const IPV6_HEADER = 40
const PORTS_BYTES = 4
const NONE = -1

/**
 * Fetches into the caches what the next frames will need. One after the other, each packet would wait for its slot in
 * the index, then for its flow, then for its hosts; for several at a time, memory is asked for all slots at once, then
 * for all flows. It reads plain frames only, changes nothing, and where it errs nothing but time is lost.
 */
export class LookAhead {
  /** Of the last frames: how many are likely of a flow that is known. */
  known = 0
  /** What came of the reads: those that nobody kept the compiler would leave out. */
  fetched = 0
  readonly #flows: FlowTable
  readonly #hosts: HostTable
  readonly #hashes: Int32Array
  readonly #found: Int32Array

  constructor(flows: FlowTable, hosts: HostTable, mostFrames: number) {
    this.#flows = flows
    this.#hosts = hosts
    this.#hashes = new Int32Array(mostFrames)
    this.#found = new Int32Array(mostFrames)
  }

  /** Frames of Ethernet. */
  fetch(view: DataView, frames: FramesAhead): void {
    const { offsets, captured } = frames
    const count = Math.min(frames.count, this.#hashes.length)
    let read = 0
    for (let at = 0; at < count; at++) {
      const start = offsets[at] as number
      if (this.#hash(view, start, start + (captured[at] as number), read)) read++
    }
    this.#fetchFlows(read)
    this.#fetchHosts(read)
  }

  /** A loop for each: reads that wait for nothing are under way together. */
  #fetchFlows(count: number): void {
    const [flows, hashes, found] = [this.#flows, this.#hashes, this.#found]
    for (let at = 0; at < count; at++) found[at] = flows.firstAt(hashes[at] as number)
    let known = 0
    for (let at = 0; at < count; at++) {
      const flow = found[at] as number
      if (flow === NONE) continue
      known++
      // Of IPv4 the flow itself holds the addresses.
      if (!flows.isIpv6(flow)) found[at] = NONE
    }
    this.known = known
  }

  #fetchHosts(count: number): void {
    let both = 0
    for (let at = 0; at < count; at++) {
      const flow = this.#found[at] as number
      if (flow === NONE) continue
      both ^= this.#hosts.word(this.#flows.source(flow), 0) ^ this.#hosts.word(this.#flows.target(flow), 0)
    }
    this.fetched = both
  }

  /** False for a frame that is not plain IP with ports, or too short. */
  #hash(view: DataView, start: number, end: number, into: number): boolean {
    const network = start + ETHERNET_HEADER
    if (end - network < IPV4_HEADER + PORTS_BYTES) return false
    const etherType = view.getUint16(start + ETHERNET_HEADER - 2)
    if (etherType === ETHERTYPE_IPV4) {
      const ports = network + ((view.getUint8(network) & 15) << 2)
      if (ports + PORTS_BYTES > end) return false
      const kind = (4 << 8) | view.getUint8(network + 9)
      const [source, target] = [view.getInt32(network + 12), view.getInt32(network + 16)]
      this.#hashes[into] = this.#flows.hashOf(source, target, view.getInt32(ports), kind)
      return true
    }
    if (etherType !== ETHERTYPE_IPV6 || end - network < IPV6_HEADER + PORTS_BYTES) return false
    const kind = (6 << 8) | view.getUint8(network + 6)
    const [source, target] = [this.#fold(view, network + 8), this.#fold(view, network + 24)]
    this.#hashes[into] = this.#flows.hashOf(source, target, view.getInt32(network + IPV6_HEADER), kind)
    return true
  }

  #fold(view: DataView, at: number): number {
    return this.#hosts.fold(
      view.getInt32(at),
      view.getInt32(at + 4),
      view.getInt32(at + 8),
      view.getInt32(at + 12),
    )
  }
}
