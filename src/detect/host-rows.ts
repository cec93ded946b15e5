/** Hot: runs per flow. Allocates nothing. */
import type { Hosts } from '#model/host.ts'

const WAYS = 4
/** A row is told again after 2, 4, 8 … seconds, at the latest after ten minutes. */
const REPEAT_FIRST_MS = 2_000
const REPEAT_LATEST_MS = 600_000

/** In the place of a host: the row is about all of them. */
export const ANY_HOST = -1

/**
 * Rows that are keyed by a host, another host (or ANY_HOST) and a number, in sets of four. A full set gives up the row
 * with the least weight: a flood of new keys pushes out its own kind, and a row that was told stays until it is stale.
 * What else is known of a row its detector keeps in columns of its own, and clears when `isFresh` says so.
 */
export class HostRows {
  readonly capacity: number
  /** Keys that found their set full of told rows. */
  refused = 0
  /** After `claim`: the row was made just now. */
  isFresh = false
  /** The first host of each row; -1 where the row is free. */
  readonly first: Int32Array
  readonly second: Int32Array
  readonly what: Int32Array
  readonly firstAt: Float64Array
  readonly lastAt: Float64Array
  readonly weight: Uint32Array
  readonly toldAt: Float64Array
  readonly timesTold: Uint16Array
  readonly #identity: Int32Array
  readonly #hosts: Hosts
  readonly #staleMs: number
  readonly #mask: number

  /** `capacity` rows, a power of two; a row is stale, and its place free, `staleMs` after it was last claimed. */
  constructor(hosts: Hosts, capacity: number, staleMs: number) {
    this.capacity = capacity
    this.#hosts = hosts
    this.#staleMs = staleMs
    this.#mask = capacity / WAYS - 1
    this.first = new Int32Array(capacity).fill(-1)
    this.second = new Int32Array(capacity)
    this.what = new Int32Array(capacity)
    this.firstAt = new Float64Array(capacity)
    this.lastAt = new Float64Array(capacity)
    this.weight = new Uint32Array(capacity)
    this.toldAt = new Float64Array(capacity)
    this.timesTold = new Uint16Array(capacity)
    this.#identity = new Int32Array(capacity)
  }

  /** The row of a key, or -1. */
  find(first: number, second: number, what: number): number {
    const start = this.#setOf(first, second, what)
    for (let row = start; row < start + WAYS; row++) {
      if (this.first[row] !== first || this.second[row] !== second || this.what[row] !== what) continue
      // A number of a host that was forgotten may be another's now.
      return this.#identity[row] === this.#identify(first, second) ? row : -1
    }
    return -1
  }

  /** The row of a key, made if need be; -1 when its set is full of told rows. Four plain numbers: hot path. */
  claim(first: number, second: number, what: number, now: number): number {
    const known = this.find(first, second, what)
    this.isFresh = false
    if (known >= 0 && !this.isStale(known, now)) {
      this.lastAt[known] = now
      return known
    }
    const row = known >= 0 ? known : this.#weakest(this.#setOf(first, second, what), now)
    if (row < 0) {
      this.refused++
      return -1
    }
    this.isFresh = true
    this.first[row] = first
    this.second[row] = second
    this.what[row] = what
    this.firstAt[row] = now
    this.lastAt[row] = now
    this.weight[row] = 0
    this.toldAt[row] = 0
    this.timesTold[row] = 0
    this.#identity[row] = this.#identify(first, second)
    return row
  }

  /** True when the row is in use and its hosts are still those it was made for. */
  isKnown(row: number): boolean {
    const first = this.first[row] as number
    return first >= 0 && this.#identity[row] === this.#identify(first, this.second[row] as number)
  }

  isStale(row: number, now: number): boolean {
    return now - (this.lastAt[row] as number) > this.#staleMs
  }

  forget(row: number): void {
    this.first[row] = -1
  }

  /** True when the row was never told, or long enough ago: the longer a story goes on, the more rarely. */
  mayTell(row: number, now: number): boolean {
    const times = this.timesTold[row] as number
    if (times === 0) return true
    const waitMs = Math.min(REPEAT_LATEST_MS, REPEAT_FIRST_MS * 2 ** (times - 1))
    return now - (this.toldAt[row] as number) >= waitMs
  }

  tell(row: number, now: number): void {
    this.toldAt[row] = now
    if ((this.timesTold[row] as number) < 65_535) this.timesTold[row] = (this.timesTold[row] as number) + 1
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
      if ((this.first[row] as number) < 0 || this.isStale(row, now)) return row
      if ((this.timesTold[row] as number) > 0) continue
      if (best < 0 || (this.weight[row] as number) < (this.weight[best] as number)) best = row
    }
    return best
  }
}

/** A number that tells addresses apart: of IPv4 the address itself, of IPv6 a hash. */
export function identityOf(hosts: Hosts, host: number): number {
  return (
    hosts.word(host, 0) ^
    Math.imul(hosts.word(host, 1), 0x9e3779b1) ^
    Math.imul(hosts.word(host, 2), 0x85ebca6b) ^
    Math.imul(hosts.word(host, 3), 0xc2b2ae35)
  )
}
