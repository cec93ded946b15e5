import type { AddressWords } from '#lib/address-words.ts'

/** Numbers that stand for something; 0 for nothing. */
export type Values = Uint16Array | Uint32Array

/** The columns of a table: where each stretch of addresses begins, one column per 32-bit word, and what it has. */
export interface RangeColumns {
  /** One column for IPv4, four for IPv6; rising. */
  readonly starts: readonly Uint32Array[]
  readonly values: Values
}

/** Which value an address has: stretches of addresses without gaps, each until the next one begins. */
export interface RangeTable {
  /** 0 for an address that no stretch covers. */
  find(words: AddressWords): number
}

const HIGH_HALVES = 0x10000

/** A table over `columns`, which it keeps. */
export const createRangeTable = (columns: RangeColumns): RangeTable =>
  columns.starts.length === 1 ? new NarrowTable(columns) : new WideTable(columns)

/** By the upper half of the first word: how many stretches begin before it. So few remain to be searched. */
function countBefore(starts: Uint32Array): Uint32Array {
  const before = new Uint32Array(HIGH_HALVES + 1)
  let at = 0
  for (let half = 0; half <= HIGH_HALVES; half++) {
    while (at < starts.length && (starts[at] as number) < half * HIGH_HALVES) at++
    before[half] = at
  }
  return before
}

/** IPv4. */
class NarrowTable implements RangeTable {
  readonly #starts: Uint32Array
  readonly #values: Values
  readonly #before: Uint32Array

  constructor({ starts, values }: RangeColumns) {
    this.#starts = starts[0] as Uint32Array
    this.#values = values
    this.#before = countBefore(this.#starts)
  }

  find(words: AddressWords): number {
    const starts = this.#starts
    const address = words[0] as number
    let low = this.#before[address >>> 16] as number
    let high = this.#before[(address >>> 16) + 1] as number
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((starts[middle] as number) <= address) low = middle + 1
      else high = middle
    }
    return low === 0 ? 0 : (this.#values[low - 1] as number)
  }
}

/** IPv6. */
class WideTable implements RangeTable {
  readonly #first: Uint32Array
  /** The second to the fourth word: they matter where the first is the same. */
  readonly #rest: readonly Uint32Array[]
  readonly #values: Values
  readonly #before: Uint32Array

  constructor({ starts: [first = new Uint32Array(), ...rest], values }: RangeColumns) {
    this.#first = first
    this.#rest = rest
    this.#values = values
    this.#before = countBefore(first)
  }

  find(words: AddressWords): number {
    const starts = this.#first
    const address = words[0] as number
    let low = this.#before[address >>> 16] as number
    let high = this.#before[(address >>> 16) + 1] as number
    while (low < high) {
      const middle = (low + high) >>> 1
      const start = starts[middle] as number
      if (start < address || (start === address && !this.#restIsAfter(middle, words))) low = middle + 1
      else high = middle
    }
    return low === 0 ? 0 : (this.#values[low - 1] as number)
  }

  #restIsAfter(at: number, words: AddressWords): boolean {
    for (let word = 0; word < this.#rest.length; word++) {
      const start = this.#rest[word]?.[at] as number
      const wanted = words[word + 1] as number
      if (start !== wanted) return start > wanted
    }
    return false
  }
}
