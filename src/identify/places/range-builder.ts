import type { RangeColumns } from './range-table.ts'

/** Addresses as numbers with as many bits as their family has. */
export type AddressNumber = bigint

interface Stretch {
  readonly first: AddressNumber
  readonly last: AddressNumber
  readonly value: number
}

/** Lays stretches of addresses one after the other, and gives them out as columns. */
export class RangeBuilder {
  readonly #bits: 32 | 128
  readonly #starts: number[][]
  readonly #values: number[] = []
  /** The newest stretch: the next one may cut it short. */
  #open: Stretch | undefined
  /** The first address that nothing was laid on. */
  #next: AddressNumber = 0n
  #last = 0

  constructor(bits: 32 | 128) {
    this.#bits = bits
    this.#starts = Array.from({ length: bits / 32 }, () => [])
  }

  /** `first` to `last` have `value`. In rising order of `first`, else a RangeError; in an overlap the later one counts. */
  add(first: AddressNumber, last: AddressNumber, value: number): void {
    const open = this.#open
    if (last < first || first < (open?.first ?? 0n))
      throw new RangeError(`ranges are not in order at ${first}`)
    this.#open = { first, last, value }
    if (open === undefined) return
    if (open.last < first) {
      this.#lay(open)
      return
    }
    if (open.first < first) this.#lay({ ...open, last: first - 1n })
    if (open.last <= last) return
    this.#lay(this.#open)
    this.#open = { ...open, first: last + 1n }
  }

  /** Once, at the end. `isWide`: for values beyond 65,535. */
  finish(isWide: boolean): RangeColumns {
    if (this.#open) this.#lay(this.#open)
    if (this.#next < 1n << BigInt(this.#bits)) this.#begin(this.#next, 0)
    const starts = this.#starts.map((column) => Uint32Array.from(column))
    return { starts, values: isWide ? Uint32Array.from(this.#values) : Uint16Array.from(this.#values) }
  }

  #lay({ first, last, value }: Stretch): void {
    if (first > this.#next) this.#begin(this.#next, 0)
    this.#begin(first, value)
    this.#next = last + 1n
  }

  #begin(at: AddressNumber, value: number): void {
    if (value === this.#last) return
    this.#last = value
    const shift = this.#bits - 32
    for (const [word, column] of this.#starts.entries()) {
      column.push(Number((at >> BigInt(shift - 32 * word)) & 0xffff_ffffn))
    }
    this.#values.push(value)
  }
}

/** A network address with its prefix length, and what it stands for. */
export interface Prefix {
  readonly first: AddressNumber
  readonly length: number
  readonly value: number
}

/** Columns of prefixes that may lie in one another: the longest counts. For short lists: it compares each with all. */
export function columnsOf(bits: 32 | 128, prefixes: readonly Prefix[]): RangeColumns {
  const spans = prefixes.map((prefix) => ({
    ...prefix,
    end: prefix.first + (1n << BigInt(bits - prefix.length)),
  }))
  const borders = [...new Set(spans.flatMap(({ first, end }) => [first, end]))].sort((a, b) =>
    a < b ? -1 : 1,
  )
  const builder = new RangeBuilder(bits)
  for (const [at, border] of borders.entries()) {
    const next = borders[at + 1]
    const around = spans.filter(({ first, end }) => first <= border && border < end)
    const narrowest = around.sort((a, b) => b.length - a.length)[0]
    if (next !== undefined && narrowest) builder.add(border, next - 1n, narrowest.value)
  }
  return builder.finish(false)
}
