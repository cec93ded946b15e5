/** Hot: runs per tick. Allocates nothing. */

/**
 * Goes round a table once per window, a slice each tick: what must be forgotten in time is, and no tick has to do it
 * all, which would hold up the packets that come meanwhile.
 */
export class Rounds {
  start = 0
  end = 0
  readonly #capacity: number
  readonly #windowMs: number
  #lastAt = Number.NaN

  constructor(capacity: number, windowMs: number) {
    this.#capacity = capacity
    this.#windowMs = windowMs
  }

  /** Sets [start, end) to the slice that is due. */
  advance(now: number): void {
    const elapsedMs = Math.min(this.#windowMs, Math.max(0, now - this.#lastAt || 0))
    this.#lastAt = now
    this.start = this.end >= this.#capacity ? 0 : this.end
    this.end = Math.min(this.#capacity, this.start + Math.ceil((this.#capacity * elapsedMs) / this.#windowMs))
  }
}
