/** Hot: runs per ICMPv6 packet of neighbours. Allocates nothing. */
import type { Packet } from '#model/packet.ts'

/** RFC 4861 §4. */
export const NEIGHBOUR = { routerAdvertises: 134, asks: 135, advertises: 136 } as const

const SOURCE_LINK = 1
const TARGET_LINK = 2
/** Options begin behind a target address, or behind the two timers of a router. */
const BEHIND_TARGET = 16
const BEHIND_TIMERS = 8
const LINK_OPTION_BYTES = 8
const MOST_OPTIONS = 32
/** Routers pass nothing on with this left, so who sends it is on the link (RFC 4861 §7.1). */
export const FROM_THE_LINK = 255

/** Whose link address a message of neighbour discovery tells. One instance, overwritten by each `read`. */
export class NeighbourMessage {
  /** The address in 32-bit words, network order. */
  word0 = 0
  word1 = 0
  word2 = 0
  word3 = 0
  macHigh = 0
  macLow = 0
  /** Seconds for which a router wants to be one; 0: it is none any more. */
  routerSeconds = 0

  /** False when it is none, comes from afar, is cut short, or tells no link address. `sourcePort` is the ICMPv6 type. */
  read(packet: Packet): boolean {
    const { sourcePort: type, view, payloadStart: start, payloadEnd: end } = packet
    if (type < NEIGHBOUR.routerAdvertises || type > NEIGHBOUR.advertises || packet.ttl !== FROM_THE_LINK) {
      return false
    }
    if (type === NEIGHBOUR.routerAdvertises) {
      this.routerSeconds = view.getUint16(start - 2)
      this.#takeSource(packet)
      return this.#readLink(view, start + BEHIND_TIMERS, end, SOURCE_LINK)
    }
    if (end - start < BEHIND_TARGET) return false
    if (type === NEIGHBOUR.asks) {
      this.#takeSource(packet)
      return this.#readLink(view, start + BEHIND_TARGET, end, SOURCE_LINK)
    }
    this.word0 = view.getInt32(start)
    this.word1 = view.getInt32(start + 4)
    this.word2 = view.getInt32(start + 8)
    this.word3 = view.getInt32(start + 12)
    return this.#readLink(view, start + BEHIND_TARGET, end, TARGET_LINK)
  }

  /** One number for the address. */
  get identity(): number {
    return (
      this.word0 ^
      Math.imul(this.word1, 0x9e3779b1) ^
      Math.imul(this.word2, 0x85ebca6b) ^
      Math.imul(this.word3, 0xc2b2ae35)
    )
  }

  #takeSource(packet: Packet): void {
    this.word0 = packet.source0
    this.word1 = packet.source1
    this.word2 = packet.source2
    this.word3 = packet.source3
  }

  // Four plain numbers and a view: hot path.
  #readLink(view: DataView, from: number, end: number, wanted: number): boolean {
    let at = from
    for (let left = MOST_OPTIONS; left > 0 && at + LINK_OPTION_BYTES <= end; left--) {
      const length = view.getUint8(at + 1) * 8
      if (length === 0) return false
      if (view.getUint8(at) === wanted && length === LINK_OPTION_BYTES) {
        this.macHigh = view.getUint16(at + 2)
        this.macLow = view.getInt32(at + 4)
        return true
      }
      at += length
    }
    return false
  }
}
