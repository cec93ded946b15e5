/** Hot: runs per packet. Allocates nothing. */

/** A set of the numbers below `capacity`, one bit each. */
export class BitSet {
  readonly capacity: number
  readonly #words: Int32Array
  #count = 0

  constructor(capacity: number) {
    this.capacity = capacity
    this.#words = new Int32Array((capacity + 31) >>> 5)
  }

  get count(): number {
    return this.#count
  }

  has(member: number): boolean {
    return ((this.#words[member >>> 5] as number) & (1 << (member & 31))) !== 0
  }

  add(member: number): void {
    const word = this.#words[member >>> 5] as number
    const grown = word | (1 << (member & 31))
    if (grown === word) return
    this.#words[member >>> 5] = grown
    this.#count++
  }

  delete(member: number): void {
    const word = this.#words[member >>> 5] as number
    const without = word & ~(1 << (member & 31))
    if (without === word) return
    this.#words[member >>> 5] = without
    this.#count--
  }

  /** The first number from `start` on, and round again from 0, that is not in the set; -1 when all are. */
  nextMissing(start: number): number {
    return this.#count === this.capacity ? -1 : this.#next(start, -1)
  }

  /** The first member from `start` on, and round again from 0; -1 when there is none. */
  nextMember(start: number): number {
    return this.#count === 0 ? -1 : this.#next(start, 0)
  }

  /** `flip` -1 looks for what is not in the set, 0 for what is. */
  #next(start: number, flip: 0 | -1): number {
    const words = this.#words
    let at = start >>> 5
    // Numbers before `start` in its word are looked at last, when the round comes back.
    let wanted = ((words[at] as number) ^ flip) & (-1 << (start & 31))
    for (let steps = 0; steps <= words.length; steps++) {
      const found = lowest(at, wanted)
      if (wanted !== 0 && found < this.capacity) return found
      at = at + 1 === words.length ? 0 : at + 1
      wanted = (words[at] as number) ^ flip
    }
    return -1
  }

  /** Empties the set and visits what was in it, in order. What `visit` adds is kept for the next time. */
  drain(visit: (member: number) => void): void {
    for (let at = 0; at < this.#words.length; at++) {
      let word = this.#words[at] as number
      this.#words[at] = 0
      for (; word !== 0; word &= word - 1) {
        this.#count--
        visit(lowest(at, word))
      }
    }
  }
}

const lowest = (at: number, word: number): number => (at << 5) + 31 - Math.clz32(word & -word)
