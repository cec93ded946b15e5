/** A stretch of numbers that a row asks for, both ends included. */
export interface RowSpan<Value extends number | bigint> {
  /** Its place among the rows. */
  readonly row: number
  readonly first: Value
  readonly last: Value
}

/** Rows that few enough numbers concern to stand in one chain, in their order, and those numbers. */
export interface Leaf<Value extends number | bigint> {
  readonly rows: readonly number[]
  /** Pairs of first and last; sorted, and no two share or touch each other. */
  readonly spans: readonly Value[]
}

export interface LeafLimits {
  /** So many rows a leaf has where the rows allow it. */
  readonly leafRows: number
  /** A row stands in each leaf that it concerns: so many places there are for all of them. */
  readonly places: number
}

/**
 * Parts all numbers that any row asks for into leaves. Each number is in one leaf, and that has every row that asks
 * for it. Undefined where rows overlap so much that it would take too many places.
 */
export function leavesOf<Value extends number | bigint>(
  spans: readonly RowSpan<Value>[],
  one: Value,
  limits: LeafLimits,
): Leaf<Value>[] | undefined {
  const leaves = new Leaves<Value>(one, limits)
  const active = new Set<number>()
  let from: Value | undefined
  for (const { at, row, isStart } of edgesOf(spans, one)) {
    if (from !== undefined && at > from && active.size > 0) leaves.add(from, at, active)
    if (leaves.isFull) return undefined
    from = at
    if (isStart) active.add(row)
    else active.delete(row)
  }
  return leaves.finish()
}

interface Edge<Value> {
  readonly at: Value
  readonly row: number
  readonly isStart: boolean
}

/** Where a row begins, and right behind its end; a row's own spans neither share nor touch each other. */
function edgesOf<Value extends number | bigint>(spans: readonly RowSpan<Value>[], one: Value): Edge<Value>[] {
  const edges = spans.flatMap(({ row, first, last }): Edge<Value>[] => [
    { at: first, row, isStart: true },
    { at: plus(last, one), row, isStart: false },
  ])
  return edges.sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0))
}

class Leaves<Value extends number | bigint> {
  readonly #one: Value
  readonly #limits: LeafLimits
  readonly #done: Leaf<Value>[] = []
  #rows = new Set<number>()
  #spans: Value[] = []
  #places = 0

  constructor(one: Value, limits: LeafLimits) {
    this.#one = one
    this.#limits = limits
  }

  get isFull(): boolean {
    return this.#places + this.#rows.size > this.#limits.places
  }

  /** The numbers from `from` up to before `end` concern these rows. */
  add(from: Value, end: Value, rows: ReadonlySet<number>): void {
    const more = [...rows].filter((row) => !this.#rows.has(row))
    if (more.length > 0 && this.#rows.size + more.length > this.#limits.leafRows) {
      this.#close()
      this.#rows = new Set(rows)
    } else {
      for (const row of more) this.#rows.add(row)
    }
    const last = minus(end, this.#one)
    const before = this.#spans.at(-1)
    if (before !== undefined && plus(before, this.#one) === from) this.#spans[this.#spans.length - 1] = last
    else this.#spans.push(from, last)
  }

  finish(): Leaf<Value>[] | undefined {
    this.#close()
    return this.isFull ? undefined : this.#done
  }

  #close(): void {
    if (this.#rows.size === 0) return
    this.#done.push({ rows: [...this.#rows].sort((a, b) => a - b), spans: this.#spans })
    this.#places += this.#rows.size
    this.#rows = new Set()
    this.#spans = []
  }
}

const plus = <Value extends number | bigint>(a: Value, b: Value): Value =>
  ((a as never) + (b as never)) as Value
const minus = <Value extends number | bigint>(a: Value, b: Value): Value =>
  ((a as never) - (b as never)) as Value
