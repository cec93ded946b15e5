/** Hot: runs per packet. Allocates nothing. */

/**
 * Hashes words with multipliers that nobody outside knows. A plain seed is not enough: differences that an
 * attacker chooses would cancel out whatever the seed; through a secret multiplier they come out unknown.
 */
export class Mix {
  readonly #start: number
  readonly #first: number
  readonly #second: number
  readonly #third: number
  readonly #fourth: number

  constructor(seed: number) {
    let state = seed | 0
    // splitmix32: any seed, 0 too, gives unrelated multipliers.
    const next = (): number => {
      state = (state + 0x9e3779b9) | 0
      let word = Math.imul(state ^ (state >>> 16), 0x21f0aaad)
      word = Math.imul(word ^ (word >>> 15), 0x735a2d97)
      return word ^ (word >>> 15)
    }
    this.#start = next()
    this.#first = next() | 1
    this.#second = next() | 1
    this.#third = next() | 1
    this.#fourth = next() | 1
  }

  /** Four words; order matters. */
  four(w0: number, w1: number, w2: number, w3: number): number {
    let hash = Math.imul(w0 ^ this.#start, this.#first)
    hash = Math.imul(hash ^ (hash >>> 15) ^ w1, this.#second)
    hash = Math.imul(hash ^ (hash >>> 13) ^ w2, this.#third)
    hash = Math.imul(hash ^ (hash >>> 16) ^ w3, this.#fourth)
    return hash ^ (hash >>> 15)
  }

  one(word: number): number {
    let hash = Math.imul(word ^ this.#start, this.#first)
    hash = Math.imul(hash ^ (hash >>> 15), this.#second)
    return hash ^ (hash >>> 14)
  }
}
