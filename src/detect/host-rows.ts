/** Hot: runs per flow. Allocates nothing. */
import type { Hosts } from '#model/host.ts'
import type { Packet } from '#model/packet.ts'

const WAYS = 4
/** A row is told again after 2, 4, 8 … seconds, at the latest after ten minutes. */
const REPEAT_FIRST_MS = 2_000
const REPEAT_LATEST_MS = 600_000

const KEY_SHIFT = 2
const SECOND = 1
const WHAT = 2
const IDENTITY = 3
const COLUMN_SHIFT = 3
const LAST_AT = 1
const TOLD_AT = 2
const TIMES_TOLD = 3
const WEIGHT = 4

/**
 * Rows that are keyed by a host, another host (or -1) and a number, in sets of four. A full set gives up the row
 * with the least weight: a flood of new keys pushes out its own kind, and a row that was told stays until it is stale.
 * What else is known of a row its detector keeps in columns of its own, and clears when `isFresh` says so.
 */
export class HostRows {
  readonly capacity: number
  /** Keys that found their set full of told rows. */
  refused = 0
  /** After `claim`: the row was made just now. */
  isFresh = false
  /** Four numbers for each row: first host (-1 where the row is free), second, number, and who the hosts were. */
  readonly #keys: Int32Array
  /** Five of each eight are used, so that a row lies on one cache line. */
  readonly #columns: Float64Array
  readonly #hosts: Hosts
  readonly #staleMs: number
  readonly #mask: number

  /** `capacity` rows, a power of two; a row is stale, and its place free, `staleMs` after it was last claimed. */
  constructor(hosts: Hosts, capacity: number, staleMs: number) {
    this.capacity = capacity
    this.#hosts = hosts
    this.#staleMs = staleMs
    this.#mask = capacity / WAYS - 1
    this.#keys = new Int32Array(capacity << KEY_SHIFT).fill(-1)
    this.#columns = new Float64Array(capacity << COLUMN_SHIFT)
  }

  /** The hosts of a row; `first` is -1 where the row is free. */
  first(row: number): number {
    return this.#keys[row << KEY_SHIFT] as number
  }

  second(row: number): number {
    return this.#keys[(row << KEY_SHIFT) + SECOND] as number
  }

  what(row: number): number {
    return this.#keys[(row << KEY_SHIFT) + WHAT] as number
  }

  firstAt(row: number): number {
    return this.#columns[row << COLUMN_SHIFT] as number
  }

  lastAt(row: number): number {
    return this.#columns[(row << COLUMN_SHIFT) + LAST_AT] as number
  }

  timesTold(row: number): number {
    return this.#columns[(row << COLUMN_SHIFT) + TIMES_TOLD] as number
  }

  weight(row: number): number {
    return this.#columns[(row << COLUMN_SHIFT) + WEIGHT] as number
  }

  /** One more reason to keep the row; answers how many there are. */
  addWeight(row: number): number {
    const at = (row << COLUMN_SHIFT) + WEIGHT
    const weight = (this.#columns[at] as number) + 1
    this.#columns[at] = weight
    return weight
  }

  /** The row is in use: it is not stale. */
  touch(row: number, now: number): void {
    this.#columns[(row << COLUMN_SHIFT) + LAST_AT] = now
  }

  /** The row of a key, or -1. */
  find(first: number, second: number, what: number): number {
    const start = this.#setOf(first, second, what)
    const keys = this.#keys
    for (let row = start; row < start + WAYS; row++) {
      const at = row << KEY_SHIFT
      if (keys[at] !== first || keys[at + SECOND] !== second || keys[at + WHAT] !== what) continue
      // A number of a host that was forgotten may be another's now.
      return keys[at + IDENTITY] === this.#identify(first, second) ? row : -1
    }
    return -1
  }

  /** The row of a key, made if need be; -1 when its set is full of told rows. Four plain numbers: hot path. */
  claim(first: number, second: number, what: number, now: number): number {
    const known = this.find(first, second, what)
    this.isFresh = false
    if (known >= 0 && !this.isStale(known, now)) {
      this.touch(known, now)
      return known
    }
    const row = known >= 0 ? known : this.#weakest(this.#setOf(first, second, what), now)
    if (row < 0) {
      this.refused++
      return -1
    }
    this.isFresh = true
    const keys = this.#keys
    const columns = this.#columns
    const at = row << KEY_SHIFT
    keys[at] = first
    keys[at + SECOND] = second
    keys[at + WHAT] = what
    keys[at + IDENTITY] = this.#identify(first, second)
    const column = row << COLUMN_SHIFT
    columns[column] = now
    columns[column + LAST_AT] = now
    columns[column + TOLD_AT] = 0
    columns[column + TIMES_TOLD] = 0
    columns[column + WEIGHT] = 0
    return row
  }

  /** True when the row is in use and its hosts are still those it was made for. */
  isKnown(row: number): boolean {
    const first = this.first(row)
    if (first < 0) return false
    return this.#keys[(row << KEY_SHIFT) + IDENTITY] === this.#identify(first, this.second(row))
  }

  isStale(row: number, now: number): boolean {
    return now - this.lastAt(row) > this.#staleMs
  }

  forget(row: number): void {
    this.#keys[row << KEY_SHIFT] = -1
  }

  /** True when the row was never told, or long enough ago: the longer a story goes on, the more rarely. */
  mayTell(row: number, now: number): boolean {
    const times = this.timesTold(row)
    if (times === 0) return true
    const waitMs = Math.min(REPEAT_LATEST_MS, REPEAT_FIRST_MS * 2 ** (times - 1))
    return now - (this.#columns[(row << COLUMN_SHIFT) + TOLD_AT] as number) >= waitMs
  }

  tell(row: number, now: number): void {
    const column = row << COLUMN_SHIFT
    this.#columns[column + TOLD_AT] = now
    this.#columns[column + TIMES_TOLD] = this.timesTold(row) + 1
  }

  /** The story is over: another one of the same row is told at once. */
  untell(row: number): void {
    this.#columns[(row << COLUMN_SHIFT) + TIMES_TOLD] = 0
  }

  #setOf(first: number, second: number, what: number): number {
    let hash = Math.imul(first, 0x9e3779b1) ^ Math.imul(second, 0x85ebca6b) ^ Math.imul(what, 0xc2b2ae35)
    hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d)
    return ((hash ^ (hash >>> 13)) & this.#mask) * WAYS
  }

  #identify(first: number, second: number): number {
    const one = identityOf(this.#hosts, first)
    return second < 0 ? one : one ^ Math.imul(identityOf(this.#hosts, second), 0x27d4eb2f)
  }

  #weakest(start: number, now: number): number {
    let best = -1
    for (let row = start; row < start + WAYS; row++) {
      if (this.first(row) < 0 || this.isStale(row, now)) return row
      if (this.timesTold(row) > 0) continue
      if (best < 0 || this.weight(row) < this.weight(best)) best = row
    }
    return best
  }
}

/** A number that tells addresses apart: of IPv4 the address itself, of IPv6 a hash. */
export function identityOf(hosts: Hosts, host: number): number {
  return identity(hosts.word(host, 0), hosts.word(host, 1), hosts.word(host, 2), hosts.word(host, 3))
}

/** The same of an address as four words. */
export function identityOfWords(words: Uint32Array): number {
  const [word0 = 0, word1 = 0, word2 = 0, word3 = 0] = words
  return identity(word0, word1, word2, word3)
}

/** The same of the sender of a packet, and of its receiver: without a look at the table of hosts. */
export const identityOfSender = ({ source0, source1, source2, source3 }: Packet): number =>
  identity(source0, source1, source2, source3)

export const identityOfReceiver = ({ target0, target1, target2, target3 }: Packet): number =>
  identity(target0, target1, target2, target3)

const identity = (word0: number, word1: number, word2: number, word3: number): number =>
  word0 ^ Math.imul(word1, 0x9e3779b1) ^ Math.imul(word2, 0x85ebca6b) ^ Math.imul(word3, 0xc2b2ae35)
