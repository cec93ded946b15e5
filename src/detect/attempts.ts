/** Hot: runs per flow. Allocates nothing. */
import { WideSets } from './wide-sets.ts'

/** What became of one try. `told` was refused or silent, and has been reported already. */
const TRY = { pending: 1, refused: 2, answered: 3, told: 4 } as const

/** Distinct things that a row keeps; the newest push out the oldest. */
export const TRIES_PER_ROW = 64

/** Sample packets that a row keeps: the first ones. */
const SAMPLES_PER_ROW = 5

const WAYS = 4
const NOBODY = -1
/** A told thing that is tried again after this long counts again: the scan goes on, or starts anew. */
const RENEW_AFTER_MS = 1_000

/**
 * Who tried what, and how it ended: rows of distinct tries, keyed by two numbers (who, and on what), in sets of
 * four. A full set gives up the row with the fewest tries, and only to somebody who tried more: a flood of new keys
 * pushes out its own kind at the most, and a row that was reported stays until it is stale.
 *
 * Times within a row are milliseconds modulo 2^32: ages are right as long as they are under 49 days.
 */
export class Attempts {
  readonly capacity: number
  /** Keys that found their set full of rows that stay. */
  refused = 0
  readonly who: Int32Array
  readonly what: Int32Array
  readonly firstAt: Float64Array
  readonly lastAt: Float64Array
  /** Tries in the row; of these pending and refused. */
  readonly tries: Uint8Array
  readonly pending: Uint8Array
  readonly failed: Uint8Array
  /** TCP handshakes that were completed, up to 255: the source is who it says it is. */
  readonly handshakes: Uint8Array
  /** Tries by a SYN that a real TCP stack sends, and by one that none would; each up to 255. */
  readonly genuine: Uint8Array
  readonly forged: Uint8Array
  /** When the row was last reported (0: never), how often, and with which count. */
  readonly toldAt: Float64Array
  readonly timesTold: Uint16Array
  readonly toldCount: Uint32Array
  /** Why it was reported: an index into SPOKE. */
  readonly toldBecause: Uint8Array
  readonly samples: SampleColumns
  readonly #staleMs: number
  readonly #mask: number
  readonly #things: Int32Array
  readonly #times: Uint32Array
  readonly #states: Uint8Array
  readonly #oldest: Uint8Array
  /** Things that who the row is about had tried when it was made. */
  readonly #variety: Uint8Array
  readonly #wide: Int16Array
  readonly #wideSets = new WideSets(256)

  /** `capacity` rows, a power of two; a row is stale, and its place free, after `staleMs` without a try. */
  constructor(capacity: number, staleMs: number) {
    this.capacity = capacity
    this.#staleMs = staleMs
    this.#mask = capacity / WAYS - 1
    this.who = new Int32Array(capacity).fill(NOBODY)
    this.what = new Int32Array(capacity)
    this.firstAt = new Float64Array(capacity)
    this.lastAt = new Float64Array(capacity)
    this.tries = new Uint8Array(capacity)
    this.pending = new Uint8Array(capacity)
    this.failed = new Uint8Array(capacity)
    this.handshakes = new Uint8Array(capacity)
    this.genuine = new Uint8Array(capacity)
    this.forged = new Uint8Array(capacity)
    this.toldAt = new Float64Array(capacity)
    this.timesTold = new Uint16Array(capacity)
    this.toldCount = new Uint32Array(capacity)
    this.toldBecause = new Uint8Array(capacity)
    this.samples = new SampleColumns(capacity)
    this.#things = new Int32Array(capacity * TRIES_PER_ROW)
    this.#times = new Uint32Array(capacity * TRIES_PER_ROW)
    this.#states = new Uint8Array(capacity * TRIES_PER_ROW)
    this.#oldest = new Uint8Array(capacity)
    this.#variety = new Uint8Array(capacity)
    this.#wide = new Int16Array(capacity).fill(-1)
  }

  /** The row of a key, or -1. */
  find(who: number, what: number): number {
    const first = this.#setOf(who, what)
    for (let row = first; row < first + WAYS; row++) {
      if (this.who[row] === who && this.what[row] === what) return row
    }
    return -1
  }

  /**
   * The row of a key, made if need be; -1 when its set is full of rows that stay. `variety`: how many different things
   * it tried by now, as far as that is known; a row of somebody who tried as many does not make room for it.
   */
  claim(who: number, what: number, now: number, variety = 0): number {
    const known = this.find(who, what)
    if (known >= 0) {
      if (now - (this.lastAt[known] as number) > this.#staleMs) this.#reset(known, who, what, now)
      return known
    }
    const free = this.#weakest(this.#setOf(who, what), now)
    if (free < 0 || (variety > 0 && !this.#makesRoom(free, variety, now))) {
      this.refused++
      return -1
    }
    this.#reset(free, who, what, now)
    this.#variety[free] = variety
    return free
  }

  #makesRoom(row: number, variety: number, now: number): boolean {
    return this.who[row] === NOBODY || this.isStale(row, now) || this.#weight(row) < variety
  }

  #weight(row: number): number {
    return Math.max(this.tries[row] as number, this.#variety[row] as number)
  }

  /** A try without an answer so far. True when it is new evidence; a repeated try is not. */
  begin(row: number, thing: number, now: number): boolean {
    this.lastAt[row] = now
    const at = this.#placeOf(row, thing)
    if (at < 0) {
      this.#add(row, thing, TRY.pending, now)
      return true
    }
    if (this.#states[at] !== TRY.told || this.#age(at, now) < RENEW_AFTER_MS) return false
    this.#set(row, at, TRY.pending, now)
    return true
  }

  /** The other side said no. True when it is new evidence; what was ever answered is not held against anybody. */
  refuse(row: number, thing: number, now: number): boolean {
    this.lastAt[row] = now
    const at = this.#placeOf(row, thing)
    if (at < 0) {
      this.#add(row, thing, TRY.refused, now)
      return true
    }
    const state = this.#states[at]
    if (state === TRY.answered || state === TRY.refused) return false
    if (state === TRY.told && this.#age(at, now) < RENEW_AFTER_MS) return false
    this.#set(row, at, TRY.refused, now)
    return true
  }

  /** The other side took it: from now on this thing is no evidence. */
  answer(row: number, thing: number): void {
    const at = this.#placeOf(row, thing)
    if (at >= 0) this.#set(row, at, TRY.answered, -1)
  }

  /** Refused tries not older than `windowMs`; older ones stop counting. */
  refusedWithin(row: number, windowMs: number, now: number): number {
    return this.#count(row, TRY.refused, 0, windowMs, now)
  }

  /** Tries without an answer for `silentMs` at least, not older than `windowMs`; older ones stop counting. */
  silentWithin(row: number, silentMs: number, windowMs: number, now: number): number {
    return this.#count(row, TRY.pending, silentMs, windowMs, now)
  }

  /** Tries that were answered, among those the row still holds. */
  answeredOf(row: number): number {
    return this.#count(row, TRY.answered, 0, Number.POSITIVE_INFINITY, this.lastAt[row] as number)
  }

  /** Notes that the row was reported: what it holds against somebody counts once. `because` 0: for the same reason. */
  tell(row: number, because: number, now: number): void {
    const start = row * TRIES_PER_ROW
    if ((this.#wide[row] as number) < 0) this.#widen(row)
    for (let at = start; at < start + (this.tries[row] as number); at++) {
      const state = this.#states[at]
      if (state === TRY.pending || state === TRY.refused) this.#states[at] = TRY.told
    }
    this.pending[row] = 0
    this.failed[row] = 0
    if (because !== 0) this.toldBecause[row] = because
    this.toldAt[row] = now
    this.toldCount[row] = this.distinct(row)
    if ((this.timesTold[row] as number) < 65_535) this.timesTold[row] = (this.timesTold[row] as number) + 1
  }

  /** Distinct things tried: exact from the first report on, for as many as 65,536. */
  distinct(row: number): number {
    const wide = this.#wide[row] as number
    return wide < 0 ? (this.tries[row] as number) : this.#wideSets.size(wide)
  }

  /** The distinct things of a row in the order they came. For reports: allocates. */
  things(row: number): number[] {
    const start = row * TRIES_PER_ROW
    const length = this.tries[row] as number
    const oldest = length < TRIES_PER_ROW ? 0 : (this.#oldest[row] as number)
    return Array.from({ length }, (_, index) => this.#things[start + ((oldest + index) % length)] as number)
  }

  /** How many things two rows have both, tried within `withinMs` of each other. For reports: 4,096 steps at the most. */
  inStep(row: number, other: number, withinMs: number): number {
    const start = row * TRIES_PER_ROW
    let count = 0
    for (let at = start; at < start + (this.tries[row] as number); at++) {
      const there = this.#placeOf(other, this.#things[at] as number)
      if (there < 0) continue
      const apart = ((this.#times[at] as number) - (this.#times[there] as number)) | 0
      if (Math.abs(apart) <= withinMs) count++
    }
    return count
  }

  noteSyn(row: number, isForged: boolean): void {
    increment(isForged ? this.forged : this.genuine, row)
  }

  noteHandshake(row: number): void {
    increment(this.handshakes, row)
  }

  /** True when the tries come from the system's own TCP, as far as their SYNs were seen. */
  isGenuine(row: number): boolean {
    return (this.genuine[row] as number) > (this.forged[row] as number)
  }

  /** Frees a row. */
  forget(row: number): void {
    this.#reset(row, NOBODY, 0, 0)
  }

  isStale(row: number, now: number): boolean {
    return now - (this.lastAt[row] as number) > this.#staleMs
  }

  #setOf(who: number, what: number): number {
    let hash = Math.imul(who, 0x9e3779b1) ^ Math.imul(what, 0x85ebca6b)
    hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d)
    return ((hash ^ (hash >>> 13)) & this.#mask) * WAYS
  }

  #weakest(first: number, now: number): number {
    let best = -1
    for (let row = first; row < first + WAYS; row++) {
      if (this.who[row] === NOBODY || this.isStale(row, now)) return row
      if ((this.timesTold[row] as number) > 0) continue
      if (best < 0 || this.#weight(row) < this.#weight(best)) best = row
    }
    return best
  }

  #reset(row: number, who: number, what: number, now: number): void {
    const wide = this.#wide[row] as number
    if (wide >= 0) this.#wideSets.free(wide)
    this.#wide[row] = -1
    this.who[row] = who
    this.what[row] = what
    this.firstAt[row] = now
    this.lastAt[row] = now
    this.tries[row] = 0
    this.pending[row] = 0
    this.failed[row] = 0
    this.handshakes[row] = 0
    this.genuine[row] = 0
    this.forged[row] = 0
    this.toldAt[row] = 0
    this.timesTold[row] = 0
    this.toldCount[row] = 0
    this.toldBecause[row] = 0
    this.#oldest[row] = 0
    this.#variety[row] = 0
    this.samples.clear(row)
  }

  #placeOf(row: number, thing: number): number {
    const start = row * TRIES_PER_ROW
    const end = start + (this.tries[row] as number)
    for (let at = start; at < end; at++) if (this.#things[at] === thing) return at
    return -1
  }

  #add(row: number, thing: number, state: number, now: number): void {
    const start = row * TRIES_PER_ROW
    let at: number
    if ((this.tries[row] as number) < TRIES_PER_ROW) {
      at = start + (this.tries[row] as number)
      this.tries[row] = (this.tries[row] as number) + 1
      this.#states[at] = 0
    } else {
      at = start + (this.#oldest[row] as number)
      this.#oldest[row] = ((this.#oldest[row] as number) + 1) % TRIES_PER_ROW
    }
    this.#things[at] = thing
    this.#set(row, at, state, now)
    const wide = this.#wide[row] as number
    if (wide >= 0) this.#wideSets.add(wide, thing)
  }

  /** `now` -1 keeps the time of the try. */
  #set(row: number, at: number, state: number, now: number): void {
    const before = this.#states[at]
    if (before === TRY.pending) this.pending[row] = (this.pending[row] as number) - 1
    else if (before === TRY.refused) this.failed[row] = (this.failed[row] as number) - 1
    if (state === TRY.pending) this.pending[row] = (this.pending[row] as number) + 1
    else if (state === TRY.refused) this.failed[row] = (this.failed[row] as number) + 1
    this.#states[at] = state
    if (now >= 0) this.#times[at] = now >>> 0
  }

  #age(at: number, now: number): number {
    return ((now >>> 0) - (this.#times[at] as number)) >>> 0
  }

  /** Walks one row; only called once a threshold is near. Five plain numbers: hot path. */
  #count(row: number, state: number, olderThanMs: number, windowMs: number, now: number): number {
    const start = row * TRIES_PER_ROW
    const end = start + (this.tries[row] as number)
    let count = 0
    for (let at = start; at < end; at++) {
      if (this.#states[at] !== state) continue
      const age = this.#age(at, now)
      if (age > windowMs) this.#set(row, at, TRY.told, -1)
      else if (age >= olderThanMs) count++
    }
    return count
  }

  #widen(row: number): void {
    const wide = this.#wideSets.claim()
    this.#wide[row] = wide
    if (wide < 0) return
    const start = row * TRIES_PER_ROW
    for (let at = start; at < start + (this.tries[row] as number); at++) {
      this.#wideSets.add(wide, this.#things[at] as number)
    }
  }
}

function increment(column: Uint8Array, row: number): void {
  const count = column[row] as number
  if (count < 255) column[row] = count + 1
}

/** The first packets of each row, as columns. */
class SampleColumns {
  readonly #counts: Uint8Array
  readonly #at: Float64Array
  readonly #thing: Int32Array
  readonly #sourcePort: Uint16Array
  readonly #length: Uint16Array
  readonly #flags: Uint8Array

  constructor(capacity: number) {
    this.#counts = new Uint8Array(capacity)
    this.#at = new Float64Array(capacity * SAMPLES_PER_ROW)
    this.#thing = new Int32Array(capacity * SAMPLES_PER_ROW)
    this.#sourcePort = new Uint16Array(capacity * SAMPLES_PER_ROW)
    this.#length = new Uint16Array(capacity * SAMPLES_PER_ROW)
    this.#flags = new Uint8Array(capacity * SAMPLES_PER_ROW)
  }

  clear(row: number): void {
    this.#counts[row] = 0
  }

  isFull(row: number): boolean {
    return this.#counts[row] === SAMPLES_PER_ROW
  }

  /** Keeps one packet, unless the row has enough. Five plain numbers: hot path. */
  keep(row: number, at: number, thing: number, sourcePort: number, flags: number, length: number): void {
    const count = this.#counts[row] as number
    if (count === SAMPLES_PER_ROW) return
    const place = row * SAMPLES_PER_ROW + count
    this.#counts[row] = count + 1
    this.#at[place] = at
    this.#thing[place] = thing
    this.#sourcePort[place] = sourcePort
    this.#flags[place] = flags
    this.#length[place] = Math.min(length, 65_535)
  }

  /** The samples of a row. For reports: allocates. */
  of(row: number): { at: number; thing: number; sourcePort: number; flags: number; length: number }[] {
    return Array.from({ length: this.#counts[row] as number }, (_, index) => {
      const place = row * SAMPLES_PER_ROW + index
      return {
        at: this.#at[place] as number,
        thing: this.#thing[place] as number,
        sourcePort: this.#sourcePort[place] as number,
        flags: this.#flags[place] as number,
        length: this.#length[place] as number,
      }
    })
  }
}
