import { common, openedAt, type Row, retransmitsOf, servicePort, slowest } from './row.ts'

export const SORTS = ['name', 'port', 'state', 'verdict', 'down', 'up', 'data', 'rtt', 'lost', 'age'] as const
export type Sort = (typeof SORTS)[number]

/** How rows are put in order. `places` keeps them from swapping for nothing, or at all while the order is held. */
export interface Order {
  readonly sort: Sort
  readonly isDescending: boolean
  readonly isHeld: boolean
  readonly places: Places
}

const SMOOTHING = 0.2
const MOVES_FROM = 0.1
const MOST_PLACES = 50_000

/**
 * Where rows stood. A changing number counts by its average over about five seconds, and by the value it had when it
 * last moved by more than a tenth: so neighbours swap only when they truly differ.
 */
export class Places {
  readonly #averages = new Map<string, { average: number; counts: number }>()
  #ranks = new Map<string, number>()

  /** The number that a row is sorted by. */
  steady(key: string, value: number): number {
    const known = this.#averages.get(key)
    if (!known) {
      if (this.#averages.size >= MOST_PLACES) this.#averages.clear()
      this.#averages.set(key, { average: value, counts: value })
      return value
    }
    known.average += (value - known.average) * SMOOTHING
    if (Math.abs(known.average - known.counts) > MOVES_FROM * Math.abs(known.counts))
      known.counts = known.average
    return known.counts
  }

  rank(key: string): number {
    return this.#ranks.get(key) ?? Number.POSITIVE_INFINITY
  }

  /** Remembers the order of a whole tree. */
  keep(roots: readonly Row[]): void {
    this.#ranks = new Map()
    const walk = (rows: readonly Row[]): void => {
      for (const row of rows) {
        this.#ranks.set(row.key, this.#ranks.size)
        walk(row.children)
      }
    }
    walk(roots)
  }

  forget(): void {
    this.#averages.clear()
  }
}

/** Orders siblings. While held, as they stood; what is new comes last. */
export function compareBy(order: Order): (a: Row, b: Row) => number {
  const { places } = order
  if (order.isHeld) return (a, b) => compare(places.rank(a.key), places.rank(b.key)) || compare(a.key, b.key)
  const turn = order.isDescending ? -1 : 1
  const values = new Map<Row, number | string>()
  const worth = (row: Row): number | string => {
    let value = values.get(row)
    if (value === undefined) {
      value =
        order.sort === 'down' || order.sort === 'up'
          ? places.steady(row.key, row[order.sort])
          : READ[order.sort](row)
      values.set(row, value)
    }
    return value
  }
  return (a, b) => turn * compare(worth(a), worth(b)) || compare(a.title, b.title) || compare(a.key, b.key)
}

function compare(a: number | string, b: number | string): number {
  if (typeof a === 'string' && typeof b === 'string') return a < b ? -1 : a > b ? 1 : 0
  return a < b ? -1 : a > b ? 1 : 0
}

const READ: Readonly<Record<Sort, (row: Row) => number | string>> = {
  name: (row) => row.title.toLowerCase(),
  port: (row) => common(row, servicePort) ?? 65_536,
  state: (row) => common(row, ({ state }) => state) ?? '~',
  verdict: (row) => row.blocked,
  down: (row) => row.down,
  up: (row) => row.up,
  data: (row) => row.bytes,
  rtt: (row) => slowest(row) ?? -1,
  lost: (row) => row.connections.reduce((sum, connection) => sum + retransmitsOf(connection), 0),
  age: (row) => -openedAt(row),
}
