import type { IpFamily } from '#model/rule.ts'
import type { ProgramMap, ProgramRow, ProgramStep } from '#model/rule-program.ts'
import type { ProgramSets } from './program-sets.ts'
import { bucketsOf } from './row-buckets.ts'
import { type Leaf, leavesOf, type RowSpan } from './row-leaves.ts'

/** So many rows stand in one chain where the rules allow it; more are parted into branches behind a map. */
export const USUAL_FANOUT = 8
/** A row with more spans than that is looked up where it is. */
const MAX_SPANS = 64
/** Rows that overlap stand in several branches: so many places there are for each row. */
const PLACES_PER_ROW = 3

/** A chain that is entered only by packets that may concern it. */
export interface Branch {
  readonly name: string
  readonly rows: readonly ProgramRow[]
}

/** What every row behind a map asks for, in one of its ways. */
type Dimension = 'targetPort' | 'sourcePort' | 'source' | 'target'
const DIMENSIONS: readonly Dimension[] = ['source', 'targetPort', 'target', 'sourcePort']
type Field = ProgramMap['on']

/** How rows would stand behind the maps of one dimension. */
interface Plan {
  readonly dimension: Dimension
  readonly parts: readonly Part[]
  readonly largest: number
}

interface Part {
  readonly on: Field
  readonly rows: readonly ProgramRow[]
  readonly leaves: readonly Leaf<number | bigint>[]
  /** As in ProgramMap. */
  readonly shift?: number
}

/** A map that is hashed may have so much larger branches than one that is searched, and be the faster one. */
const WORTH_HASHING = 2

/**
 * The same rows in the same order, but as a tree: where many rows in a row ask for a port or an address, one look-up
 * in a map leads a packet to the few of them that ask for its own, and no further if there are none.
 */
export class RowTree {
  readonly branches: Branch[] = []
  readonly maps: ProgramMap[] = []
  readonly #sets: ProgramSets
  readonly #fanout: number

  constructor(sets: ProgramSets, fanout: number) {
    this.#sets = sets
    this.#fanout = fanout
  }

  /** `used`: dimensions that led here; all rows ask for the same in them. */
  grow(rows: readonly ProgramRow[], used: readonly Dimension[] = []): readonly ProgramRow[] {
    if (rows.length <= this.#fanout) return rows
    const left = DIMENSIONS.filter((dimension) => !used.includes(dimension))
    const asked = new Map(left.map((one) => [one, rows.map((row) => this.#stepOf(row, one) !== undefined)]))
    const grown: ProgramRow[] = []
    for (let at = 0; at < rows.length; ) {
      const run = Math.max(...left.map((one) => runLength(asked.get(one) ?? [], at)), 0)
      const some = rows.slice(at, at + Math.max(run, 1))
      grown.push(...(run > this.#fanout ? this.#parted(some, used) : some))
      at += some.length
    }
    return grown
  }

  /** Rows that overlap too much for one map may do in two. */
  #parted(rows: readonly ProgramRow[], used: readonly Dimension[]): readonly ProgramRow[] {
    if (rows.length <= this.#fanout) return rows
    const plan = this.#bestPlan(rows, used)
    if (plan) return plan.parts.flatMap((part) => this.#entry(part, [...used, plan.dimension]))
    const half = rows.length >> 1
    return [...this.#parted(rows.slice(0, half), used), ...this.#parted(rows.slice(half), used)]
  }

  #bestPlan(rows: readonly ProgramRow[], used: readonly Dimension[]): Plan | undefined {
    let best: Plan | undefined
    for (const dimension of DIMENSIONS) {
      if (used.includes(dimension) || !rows.every((row) => this.#stepOf(row, dimension))) continue
      const plan = this.#planFor(rows, dimension)
      if (plan && plan.largest < (best?.largest ?? rows.length)) best = plan
    }
    return best
  }

  #planFor(rows: readonly ProgramRow[], dimension: Dimension): Plan | undefined {
    const parts: Part[] = []
    for (const on of fieldsOf(dimension)) {
      const concerned = rows.filter((row) => this.#stepOf(row, dimension)?.on === on)
      if (concerned.length === 0) continue
      const found = this.#leavesOf(concerned, dimension)
      if (!found) return undefined
      parts.push({ on, rows: concerned, ...found })
    }
    return { dimension, parts, largest: Math.max(...parts.map(({ leaves }) => largestOf(leaves))) }
  }

  #leavesOf(rows: readonly ProgramRow[], dimension: Dimension): Pick<Part, 'leaves' | 'shift'> | undefined {
    const spans = rows.flatMap((row, at) =>
      this.#spansOf(this.#stepOf(row, dimension)).map(([first, last]) => ({ row: at, first, last })),
    )
    const limits = { leafRows: this.#fanout, places: rows.length * PLACES_PER_ROW, rows: rows.length }
    const hashed = bucketsOf<number | bigint>(spans, limits)
    if (hashed && largestOf(hashed.leaves) <= this.#fanout * WORTH_HASHING) return hashed
    const leaves: Leaf<number | bigint>[] | undefined =
      typeof spans[0]?.first === 'bigint'
        ? leavesOf(spans as RowSpan<bigint>[], 1n, limits)
        : leavesOf(spans as RowSpan<number>[], 1, limits)
    return leaves && { leaves }
  }

  /** One row that leads to the branches of the leaves. */
  #entry({ on, rows, leaves, shift }: Part, used: readonly Dimension[]): ProgramRow[] {
    const name = `map${this.maps.length + 1}`
    // Reserved before what lies below takes names of its own.
    const map = { name, on, ...(shift !== undefined && { shift }) }
    const place = this.maps.push({ ...map, ways: [] }) - 1
    const ways = leaves.map((leaf) => {
      const inside = leaf.rows.map((at) => rows[at] as ProgramRow)
      return { branch: this.#branch(this.grow(inside, used)), spans: leaf.spans }
    })
    this.maps[place] = { ...map, ways }
    const family = familyOf(on)
    const verdict = { map: name, on, ...(shift !== undefined && { shift }) }
    return [{ id: '', steps: family ? [{ on: 'family', family }] : [], verdict }]
  }

  #branch(rows: readonly ProgramRow[]): string {
    const name = `rows${this.branches.length + 1}`
    this.branches.push({ name, rows })
    return name
  }

  #spansOf(step: ProgramStep | undefined): (readonly [first: number | bigint, last: number | bigint])[] {
    if (!step || !('test' in step)) return []
    const { test } = step
    if (test.is === 'within') return [[test.first, test.last]]
    const flat = this.#sets.spansOf(test.set)
    return Array.from({ length: flat.length / 2 }, (_, at) => [
      flat[at * 2] as number | bigint,
      flat[at * 2 + 1] as number | bigint,
    ])
  }

  /** Where the row asks for something of this kind, plainly and in few words. */
  #stepOf({ steps }: ProgramRow, dimension: Dimension): MapStep | undefined {
    return steps.find((step): step is MapStep => {
      if (!isOf(step, dimension) || !('test' in step) || step.test.not) return false
      if (step.test.is === 'within') return true
      // What is known by a name is not known yet: its set has no spans.
      const { length } = this.#sets.spansOf(step.test.set)
      return length > 0 && length <= MAX_SPANS * 2
    })
  }
}

type MapStep = Extract<ProgramStep, { readonly on: Field }>

const isOf = (step: ProgramStep, dimension: Dimension): boolean =>
  step.on === dimension || step.on === `${dimension}4` || step.on === `${dimension}6`

const fieldsOf = (dimension: Dimension): readonly Field[] =>
  dimension === 'source' || dimension === 'target' ? [`${dimension}4`, `${dimension}6`] : [dimension]

const familyOf = (on: Field): IpFamily | undefined =>
  on.endsWith('4') ? 4 : on.endsWith('6') ? 6 : undefined

const largestOf = (leaves: readonly Leaf<number | bigint>[]): number =>
  leaves.reduce((most, { rows }) => Math.max(most, rows.length), 0)

/** How many in a row are so from there on. */
function runLength(flags: readonly boolean[], from: number): number {
  let at = from
  while (flags[at]) at++
  return at - from
}
