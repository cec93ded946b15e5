/** Hot: runs per flow of a reported scan. Allocates nothing. */

const BITS = 65_536
const WORDS = BITS / 32

/**
 * A fixed number of sets of 16-bit numbers, lent to the scans that were reported, so that their counts are exact.
 * A larger number is folded to 16 bits: then the count is a lower bound.
 */
export class WideSets {
  readonly #words: Uint32Array
  readonly #sizes: Uint32Array
  readonly #free: Int16Array
  #freeCount: number

  constructor(count: number) {
    this.#words = new Uint32Array(count * WORDS)
    this.#sizes = new Uint32Array(count)
    this.#free = Int16Array.from({ length: count }, (_, index) => count - 1 - index)
    this.#freeCount = count
  }

  /** An empty set, or -1 when all are lent. */
  claim(): number {
    if (this.#freeCount === 0) return -1
    this.#freeCount--
    const set = this.#free[this.#freeCount] as number
    this.#words.fill(0, set * WORDS, (set + 1) * WORDS)
    this.#sizes[set] = 0
    return set
  }

  free(set: number): void {
    this.#free[this.#freeCount] = set
    this.#freeCount++
  }

  add(set: number, value: number): void {
    const low = (value ^ (value >>> 16)) & (BITS - 1)
    const word = set * WORDS + (low >>> 5)
    const bit = 1 << (low & 31)
    const before = this.#words[word] as number
    if ((before & bit) !== 0) return
    this.#words[word] = before | bit
    this.#sizes[set] = (this.#sizes[set] as number) + 1
  }

  size(set: number): number {
    return this.#sizes[set] as number
  }
}
