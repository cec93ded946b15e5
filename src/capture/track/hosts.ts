/** Hot: runs per packet. Allocates nothing. */
import { BitSet } from '#lib/bit-set.ts'
import { formatIpv4, formatIpv6, type Ip } from '#model/address.ts'
import type { Hosts } from '#model/host.ts'
import { Mix } from './mix.ts'
import { MOST_PROBES, SlotIndex } from './slot-index.ts'

/** One host is eight 32-bit words: four of address, hash, flows that refer to it, when last seen, kind. */
const SHIFT = 3
const HASH = 4
const REFERENCES = 5
const SEEN_SECOND = 6
const KIND = 7
/** malloc hands out large blocks 16 bytes after a page begins: 16 more, and no record lies across two cache lines. */
const ALIGN = 16
const KIND_FREE = 0
const KIND_V4 = 4
const KIND_V6 = 6
const NOBODY = -1

/** The part of the table that one tick sweeps: it comes round in eight. */
const SWEEP_SHARE = 8
const SMALLEST_SWEEP = 4096

/** Hosts looked at to make room for one more. */
const MOST_STEPS = 32
/** The standing of a host that was met again so often, or more; and of one that completed a handshake. */
const MOST_VISITS = 8
const PROVEN = 64

/**
 * Interns addresses. A host stays while flows refer to it and for `idleMs` after; when the table is full, one that
 * no flow refers to makes room, the first that a hand going round comes to. Whoever has a standing is passed over, and
 * loses some of it: a flood of forged addresses, each of which comes once or twice, pushes out its own kind.
 */
export class HostTable implements Hosts {
  readonly capacity: number
  readonly #words: Int32Array
  readonly #index: SlotIndex
  /** Hosts that flows refer to. */
  readonly #needed: BitSet
  /** How often the hand still passes over a host. */
  readonly #standing: Uint8Array
  readonly #mix: Mix
  readonly #idleSeconds: number
  readonly #forgotten: (host: number) => void
  #count = 0
  #refused = 0
  /** Records ever used; those given back are chained through their first word. */
  #used = 0
  #free = NOBODY
  #hand = 0
  #sweepHand = 0
  /** Of the last tick: when a host was seen is kept no finer. */
  #second = 0

  constructor(capacity: number, seed: number, idleMs: number, forgotten: (host: number) => void) {
    this.capacity = capacity
    this.#words = new Int32Array(new ArrayBuffer((capacity << (SHIFT + 2)) + ALIGN), ALIGN)
    this.#index = new SlotIndex(capacity)
    this.#needed = new BitSet(capacity)
    this.#standing = new Uint8Array(capacity)
    this.#mix = new Mix(seed)
    this.#idleSeconds = Math.ceil(idleMs / 1000)
    this.#forgotten = forgotten
  }

  get count(): number {
    return this.#count
  }

  get refused(): number {
    return this.#refused
  }

  address(host: number): Ip {
    const base = host << SHIFT
    const words = this.#words
    if (words[base + KIND] === KIND_V4) return formatIpv4(this.word(host, 0))
    return formatIpv6(this.word(host, 0), this.word(host, 1), this.word(host, 2), this.word(host, 3))
  }

  word(host: number, index: number): number {
    return this.#words[(host << SHIFT) + index] as number
  }

  isIpv6(host: number): boolean {
    return this.#words[(host << SHIFT) + KIND] === KIND_V6
  }

  flowCount(host: number): number {
    return this.#words[(host << SHIFT) + REFERENCES] as number
  }

  /** How much speaks against a forged address: 0 when it came once, more for each time that it was met again. */
  standing(host: number): number {
    return this.#standing[host] as number
  }

  /** It completed a handshake, which one who forges its address cannot. */
  prove(host: number): void {
    this.#standing[host] = PROVEN
  }

  /** Flows refer to nearly all: two new hosts may find no room. */
  isCrowded(): boolean {
    return this.#needed.count > this.capacity - 2
  }

  isGroup(host: number): boolean {
    const first = this.word(host, 0)
    if (this.isIpv6(host)) return first >>> 24 === 0xff
    return first >>> 28 === 0xe || first === -1
  }

  /** The seeded hash of an IPv6 address, by which flows find theirs. */
  fold(w0: number, w1: number, w2: number, w3: number): number {
    return this.#mix.four(w0, w1, w2, w3)
  }

  isV6At(host: number, w0: number, w1: number, w2: number, w3: number): boolean {
    const base = host << SHIFT
    const words = this.#words
    return (
      words[base + 3] === w3 &&
      words[base + 2] === w2 &&
      words[base + 1] === w1 &&
      words[base] === w0 &&
      words[base + KIND] === KIND_V6
    )
  }

  /** The host of an IPv4 address, new or known; -1 when there is no room. */
  internV4(address: number): number {
    return this.#intern(this.#mix.one(address), KIND_V4, address, 0, 0, 0)
  }

  internV6(w0: number, w1: number, w2: number, w3: number): number {
    return this.#intern(this.#mix.four(w0, w1, w2, w3), KIND_V6, w0, w1, w2, w3)
  }

  /** A flow refers to it: it must not be forgotten. */
  retain(host: number): void {
    const at = (host << SHIFT) + REFERENCES
    const references = this.#words[at] as number
    this.#words[at] = references + 1
    if (references === 0) this.#needed.add(host)
  }

  release(host: number): void {
    const base = host << SHIFT
    const references = (this.#words[base + REFERENCES] as number) - 1
    this.#words[base + REFERENCES] = references
    this.#words[base + SEEN_SECOND] = this.#second
    if (references === 0) this.#needed.delete(host)
  }

  /** Forgets who was idle too long: a part of the table each time. */
  tick(now: number): void {
    this.#second = Math.floor(now / 1000)
    const second = this.#second
    const share = Math.max(SMALLEST_SWEEP, Math.ceil(this.capacity / SWEEP_SHARE))
    for (let left = Math.min(share, this.#used); left > 0; left--) {
      if (this.#sweepHand >= this.#used) this.#sweepHand = 0
      const host = this.#sweepHand++
      const base = host << SHIFT
      if (this.#words[base + KIND] === KIND_FREE || this.#words[base + REFERENCES] !== 0) continue
      const age = second - (this.#words[base + SEEN_SECOND] as number)
      // A clock that was set back must not keep it for ever.
      if (age < 0) this.#words[base + SEEN_SECOND] = second
      if (age > this.#idleSeconds) this.#forget(host)
    }
  }

  // Six parameters: the hot path hands an address over in words.
  #intern(hash: number, kind: number, w0: number, w1: number, w2: number, w3: number): number {
    const { slots, mask, idMask, step } = this.#index
    const words = this.#words
    let want = hash & this.#index.tagMask
    for (let probes = 0; probes < MOST_PROBES; probes++, want += step) {
      const word = slots[(hash + probes) & mask] as number
      if (word === 0) break
      if ((word & ~idMask) !== want) continue
      const host = (word & idMask) - 1
      const base = host << SHIFT
      if (
        words[base] === w0 &&
        words[base + KIND] === kind &&
        words[base + 3] === w3 &&
        words[base + 2] === w2 &&
        words[base + 1] === w1
      ) {
        words[base + SEEN_SECOND] = this.#second
        if ((this.#standing[host] as number) < MOST_VISITS) this.#standing[host] = this.standing(host) + 1
        return host
      }
    }
    return this.#add(hash, kind, w0, w1, w2, w3)
  }

  #add(hash: number, kind: number, w0: number, w1: number, w2: number, w3: number): number {
    const host = this.#claim()
    if (host === NOBODY) return NOBODY
    if (!this.#index.insert(hash, host)) {
      this.#giveBack(host)
      this.#refused++
      return NOBODY
    }
    const words = this.#words
    const base = host << SHIFT
    words[base] = w0
    words[base + 1] = w1
    words[base + 2] = w2
    words[base + 3] = w3
    words[base + HASH] = hash
    words[base + REFERENCES] = 0
    words[base + SEEN_SECOND] = this.#second
    words[base + KIND] = kind
    this.#count++
    return host
  }

  #claim(): number {
    if (this.#free === NOBODY && this.#used === this.capacity && !this.#makeRoom()) {
      this.#refused++
      return NOBODY
    }
    if (this.#free === NOBODY) return this.#used++
    const host = this.#free
    this.#free = this.#words[host << SHIFT] as number
    return host
  }

  #makeRoom(): boolean {
    let host = this.#nextIdle()
    for (let steps = 1; steps < MOST_STEPS && host !== NOBODY && this.standing(host) > 0; steps++) {
      this.#standing[host] = this.standing(host) - 1
      host = this.#nextIdle()
    }
    if (host === NOBODY) return false
    this.#forget(host)
    return true
  }

  #nextIdle(): number {
    const host = this.#needed.nextMissing(this.#hand)
    if (host !== NOBODY) this.#hand = host + 1 === this.capacity ? 0 : host + 1
    return host
  }

  #forget(host: number): void {
    this.#forgotten(host)
    this.#standing[host] = 0
    this.#index.remove(this.#words[(host << SHIFT) + HASH] as number, host)
    this.#giveBack(host)
    this.#count--
  }

  #giveBack(host: number): void {
    const base = host << SHIFT
    this.#words[base + KIND] = KIND_FREE
    this.#words[base] = this.#free
    this.#free = host
  }
}
