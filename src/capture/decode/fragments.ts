/** Hot: runs per packet. Allocates nothing, but for one buffer the first time a slot is used. */
import type { Packet } from '#model/packet.ts'
import type { Cursor } from './cursor.ts'
import { BAD_FRAGMENT, HELD, NEXT } from './outcome.ts'

/** Sixteen sets of eight: a datagram may lie in any slot of the set that its key hashes to. */
const SETS = 16
const WAYS = 8
const SLOTS = SETS * WAYS
/** Linux keeps IPv4 fragments 30 s (net.ipv4.ipfrag_time); IPv6's 60 s serve nobody's purpose here. */
const TIMEOUT_MS = 30_000
const LARGEST_DATAGRAM = 65_535
/** Room in front of the data for a copy of the IP header. */
const HEADER_ROOM = 64
const BUFFER_BYTES = HEADER_ROOM + 65_536
/** One bit for each 8 bytes that came. */
const BITMAP_WORDS = 8192 / 32
/** Eight address words, id, protocol and version, VLAN. */
const KEY_WORDS = 11
const UNKNOWN = -1

/** What became of fragments; an overlap or a length that cannot be ends its whole datagram. */
export interface FragmentCounts {
  readonly seen: number
  readonly reassembled: number
  readonly duplicates: number
  readonly overlaps: number
  readonly malformed: number
  readonly timedOut: number
  readonly evicted: number
}

/**
 * Puts fragmented datagrams together in 128 fixed buffers (8.4 MB once all were used). Overlap policy, as Linux's
 * since 4.19 (CVE-2018-5391) and RFC 5722: a fragment that is wholly there already is ignored, one that overlaps in
 * part ends its datagram. When a set is full, the oldest datagram of the set makes room.
 */
export class Fragments {
  readonly #seed: number
  readonly #keys = new Int32Array(SLOTS * KEY_WORDS)
  readonly #wanted = new Int32Array(KEY_WORDS)
  readonly #used = new Uint8Array(SLOTS)
  readonly #startedAt = new Float64Array(SLOTS)
  /** Units of 8 bytes that came, and the datagram's length once its last fragment did. */
  readonly #units = new Int32Array(SLOTS)
  readonly #length = new Int32Array(SLOTS)
  /** Below this offset no byte was cut off by the snap length. */
  readonly #readable = new Int32Array(SLOTS)
  readonly #protocol = new Uint8Array(SLOTS)
  readonly #headerLength = new Int32Array(SLOTS)
  readonly #bitmap = new Int32Array(SLOTS * BITMAP_WORDS)
  readonly #buffers: (DataView | undefined)[] = new Array<undefined>(SLOTS).fill(undefined)
  /** Its bytes are still being read by the packet at hand. */
  #lastWhole = UNKNOWN

  #seen = 0
  #reassembled = 0
  #duplicates = 0
  #overlaps = 0
  #malformed = 0
  #timedOut = 0
  #evicted = 0

  constructor(seed: number) {
    this.#seed = seed | 0
  }

  get counts(): FragmentCounts {
    return {
      seen: this.#seen,
      reassembled: this.#reassembled,
      duplicates: this.#duplicates,
      overlaps: this.#overlaps,
      malformed: this.#malformed,
      timedOut: this.#timedOut,
      evicted: this.#evicted,
    }
  }

  /**
   * Takes the fragment at `cursor`. HELD: others are missing. NEXT: it was the last one missing, and `cursor` stands
   * at the transport header of the whole datagram. BAD_FRAGMENT: it cannot belong to a datagram.
   */
  hold(cursor: Cursor, packet: Packet, id: number, offset: number, more: boolean): number {
    this.#seen++
    const length = cursor.wireEnd - cursor.at
    const end = offset + length
    if (length === 0 || end > LARGEST_DATAGRAM || (more && (length & 7) !== 0)) {
      this.#malformed++
      return BAD_FRAGMENT
    }
    const slot = this.#slotOf(packet, cursor.protocol, id)
    if (!this.#fits(slot, end, more)) {
      this.#malformed++
      return this.#giveUp(slot)
    }
    const fresh = this.#mark(slot, offset >>> 3, (end + 7) >>> 3)
    if (fresh === 0) {
      this.#duplicates++
      return HELD
    }
    if (fresh < 0) {
      this.#overlaps++
      return this.#giveUp(slot)
    }
    this.#units[slot] = (this.#units[slot] as number) + fresh
    if (!more) this.#length[slot] = end
    this.#store(slot, cursor, packet, offset)
    const total = this.#length[slot] as number
    if (total === UNKNOWN || this.#units[slot] !== (total + 7) >>> 3) return HELD
    return this.#finish(slot, cursor, packet)
  }

  /** Forgets datagrams whose rest never came. */
  tick(now: number): void {
    for (let slot = 0; slot < SLOTS; slot++) {
      if (this.#used[slot] === 0) continue
      const age = now - (this.#startedAt[slot] as number)
      // A clock that was set back must not keep a slot for ever.
      if (age < 0) this.#startedAt[slot] = now
      if (age <= TIMEOUT_MS) continue
      this.#used[slot] = 0
      this.#timedOut++
    }
  }

  /** The slot of this datagram: the one that holds its key, a free one, or the oldest of the set. */
  #slotOf(packet: Packet, protocol: number, id: number): number {
    const first = this.#fillKey(packet, protocol, id) * WAYS
    let best = UNKNOWN
    for (let slot = first; slot < first + WAYS; slot++) {
      if (this.#used[slot] === 1 && this.#holdsKey(slot)) {
        if (packet.at - (this.#startedAt[slot] as number) <= TIMEOUT_MS) return slot
        this.#timedOut++
        this.#open(slot, packet.at)
        return slot
      }
      if (slot !== this.#lastWhole && (best === UNKNOWN || this.#isBetter(slot, best))) best = slot
    }
    if (this.#used[best] === 1) this.#evicted++
    this.#open(best, packet.at)
    return best
  }

  #isBetter(slot: number, than: number): boolean {
    if (this.#used[slot] !== this.#used[than]) return this.#used[slot] === 0
    return (this.#startedAt[slot] as number) < (this.#startedAt[than] as number)
  }

  /** Writes the key into `#wanted`; answers the set. */
  #fillKey(packet: Packet, protocol: number, id: number): number {
    const wanted = this.#wanted
    wanted[0] = packet.source0
    wanted[1] = packet.source1
    wanted[2] = packet.source2
    wanted[3] = packet.source3
    wanted[4] = packet.target0
    wanted[5] = packet.target1
    wanted[6] = packet.target2
    wanted[7] = packet.target3
    wanted[8] = id
    // IPv6 names a datagram without its protocol: fragments after the first may say anything there (RFC 8200 §4.5).
    wanted[9] = (packet.version << 8) | (packet.version === 4 ? protocol : 0)
    wanted[10] = packet.vlan
    let hash = this.#seed
    for (let word = 0; word < KEY_WORDS; word++) {
      hash = Math.imul(hash ^ (wanted[word] as number), 0x9e3779b1)
      hash ^= hash >>> 15
    }
    return hash & (SETS - 1)
  }

  #holdsKey(slot: number): boolean {
    const base = slot * KEY_WORDS
    for (let word = 0; word < KEY_WORDS; word++) {
      if (this.#keys[base + word] !== this.#wanted[word]) return false
    }
    return true
  }

  #open(slot: number, at: number): void {
    const base = slot * KEY_WORDS
    for (let word = 0; word < KEY_WORDS; word++) this.#keys[base + word] = this.#wanted[word] as number
    this.#used[slot] = 1
    this.#startedAt[slot] = at
    this.#units[slot] = 0
    this.#length[slot] = UNKNOWN
    this.#readable[slot] = LARGEST_DATAGRAM
    this.#headerLength[slot] = 0
    this.#bitmap.fill(0, slot * BITMAP_WORDS, (slot + 1) * BITMAP_WORDS)
    this.#buffers[slot] ??= new DataView(new ArrayBuffer(BUFFER_BYTES))
  }

  /** A datagram has one end, and nothing lies behind it. */
  #fits(slot: number, end: number, more: boolean): boolean {
    const known = this.#length[slot] as number
    if (known !== UNKNOWN) return more ? end <= known : end === known
    if (more) return true
    return !this.#reachesBeyond(slot, (end + 7) >>> 3)
  }

  #reachesBeyond(slot: number, unit: number): boolean {
    const base = slot * BITMAP_WORDS
    let word = unit >>> 5
    if (word >= BITMAP_WORDS) return false
    if (((this.#bitmap[base + word] as number) & (-1 << (unit & 31))) !== 0) return true
    for (word++; word < BITMAP_WORDS; word++) if (this.#bitmap[base + word] !== 0) return true
    return false
  }

  /** Marks units [from, to): how many, when all are new; 0 when all were there; -1 for some of each. */
  #mark(slot: number, from: number, to: number): number {
    const base = slot * BITMAP_WORDS
    let known = 0
    for (let unit = from; unit < to; unit++) {
      if (((this.#bitmap[base + (unit >>> 5)] as number) >>> (unit & 31)) & 1) known++
    }
    if (known === to - from) return 0
    if (known > 0) return -1
    for (let unit = from; unit < to; unit++) {
      const word = base + (unit >>> 5)
      this.#bitmap[word] = (this.#bitmap[word] as number) | (1 << (unit & 31))
    }
    return to - from
  }

  #store(slot: number, cursor: Cursor, packet: Packet, offset: number): void {
    const buffer = this.#buffers[slot] as DataView
    const kept = cursor.end - cursor.at
    copy(cursor.view, cursor.at, buffer, HEADER_ROOM + offset, kept)
    const cutAt = offset + kept
    if (cursor.end < cursor.wireEnd && cutAt < (this.#readable[slot] as number)) this.#readable[slot] = cutAt
    if (offset > 0) return
    this.#protocol[slot] = cursor.protocol
    const headerLength = packet.version === 4 ? cursor.at - packet.networkStart : 40
    this.#headerLength[slot] = headerLength
    copy(cursor.view, packet.networkStart, buffer, HEADER_ROOM - headerLength, headerLength)
  }

  #finish(slot: number, cursor: Cursor, packet: Packet): number {
    const total = this.#length[slot] as number
    const readable = this.#readable[slot] as number
    this.#used[slot] = 0
    this.#lastWhole = slot
    this.#reassembled++
    packet.reassembled = 1
    packet.networkStart = HEADER_ROOM - (this.#headerLength[slot] as number)
    cursor.view = this.#buffers[slot] as DataView
    cursor.at = HEADER_ROOM
    cursor.end = HEADER_ROOM + Math.min(readable, total)
    cursor.wireEnd = HEADER_ROOM + total
    cursor.protocol = this.#protocol[slot] as number
    return NEXT
  }

  #giveUp(slot: number): number {
    this.#used[slot] = 0
    return BAD_FRAGMENT
  }
}

/** Copies within bounds that the caller checked; without a view of its own, which would be an allocation. */
function copy(from: DataView, fromAt: number, to: DataView, toAt: number, length: number): void {
  const words = length & ~3
  let at = 0
  for (; at < words; at += 4) to.setInt32(toAt + at, from.getInt32(fromAt + at))
  for (; at < length; at++) to.setUint8(toAt + at, from.getUint8(fromAt + at))
}
