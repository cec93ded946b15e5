/** Hot: runs per flow. Allocates nothing. */

const BUCKETS = 8

/** How much happened within a window, per row: eight buckets that time moves through. Exact to an eighth of the window. */
export class Sliding {
  readonly #bucketMs: number
  readonly #counts: Uint32Array
  readonly #epochs: Float64Array

  constructor(rows: number, windowMs: number) {
    this.#bucketMs = windowMs / BUCKETS
    this.#counts = new Uint32Array(rows * BUCKETS)
    this.#epochs = new Float64Array(rows)
  }

  clear(row: number): void {
    this.#counts.fill(0, row * BUCKETS, (row + 1) * BUCKETS)
  }

  add(row: number, now: number): void {
    const epoch = this.#advance(row, now)
    const at = row * BUCKETS + (epoch % BUCKETS)
    this.#counts[at] = (this.#counts[at] as number) + 1
  }

  within(row: number, now: number): number {
    this.#advance(row, now)
    let sum = 0
    for (let at = row * BUCKETS; at < (row + 1) * BUCKETS; at++) sum += this.#counts[at] as number
    return sum
  }

  #advance(row: number, now: number): number {
    const epoch = Math.floor(now / this.#bucketMs)
    const before = this.#epochs[row] as number
    // A clock that was set back by a whole window begins anew.
    const steps = epoch >= before ? epoch - before : before - epoch >= BUCKETS ? BUCKETS : 0
    if (steps === 0) return before
    for (let step = 1; step <= Math.min(steps, BUCKETS); step++) {
      const at = (epoch - Math.min(steps, BUCKETS) + step) % BUCKETS
      this.#counts[row * BUCKETS + at] = 0
    }
    this.#epochs[row] = epoch
    return epoch
  }
}
