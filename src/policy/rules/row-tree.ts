import type { IpFamily } from '#model/rule.ts'
import type { ProgramRow, ProgramStep } from '#model/rule-program.ts'
import { type AddressSpan, joinSpans } from './address-spans.ts'
import type { ProgramSets } from './program-sets.ts'
import { joinPorts } from './words.ts'

/** So many rows stand in one chain; more are put into branches, each with an entry before it. */
export const USUAL_FANOUT = 16
/** An entry repeats what its rows ask for: long lists are looked up where they are. */
const MAX_SPANS = 64

/** A chain that is entered only by packets that may concern it. */
export interface Branch {
  readonly name: string
  readonly rows: readonly ProgramRow[]
}

/** What every row of a branch asks for, in one of its ways: who asks for none of it meets no row. */
type Dimension = 'targetPort' | 'sourcePort' | 'source' | 'target'
const DIMENSIONS: readonly Dimension[] = ['source', 'targetPort', 'target', 'sourcePort']

/**
 * The same rows in the same order, but as a tree: a packet looks at each branch only if one set of all that its rows
 * ask for (ports, or addresses) holds it. Ten thousand rows that do not concern it cost a handful of look-ups.
 */
export class RowTree {
  readonly branches: Branch[] = []
  readonly #sets: ProgramSets
  readonly #fanout: number

  constructor(sets: ProgramSets, fanout: number) {
    this.#sets = sets
    this.#fanout = fanout
  }

  grow(rows: readonly ProgramRow[]): readonly ProgramRow[] {
    if (rows.length <= this.#fanout) return rows
    let branchSize = this.#fanout
    while (branchSize * this.#fanout < rows.length) branchSize *= this.#fanout
    const grown: ProgramRow[] = []
    for (let at = 0; at < rows.length; at += branchSize) {
      grown.push(...this.#branch(rows.slice(at, at + branchSize)))
    }
    return grown
  }

  /** Rows that share no dimension stay where they are, but what lies below them may still be a branch. */
  #branch(rows: readonly ProgramRow[]): readonly ProgramRow[] {
    const dimension = DIMENSIONS.find((one) => rows.every((row) => this.#asksFor(row, one)))
    if (dimension === undefined || rows.length < 2) return this.grow(rows)
    const name = `rows${this.branches.length + 1}`
    // Reserved before what lies below takes names of its own.
    const place = this.branches.push({ name, rows: [] }) - 1
    this.branches[place] = { name, rows: this.grow(rows) }
    return this.#entries(rows, dimension).map((steps) => ({ id: '', steps, verdict: { jump: name } }))
  }

  /** One for ports; one for each family of addresses. No packet meets both. */
  #entries(rows: readonly ProgramRow[], dimension: Dimension): ProgramStep[][] {
    const steps = rows.flatMap((row) => row.steps.filter((step) => isOf(step, dimension)))
    if (dimension === 'targetPort' || dimension === 'sourcePort') {
      const spans = steps.flatMap((step) => this.#spansOf(step) as [number, number][])
      const ports = joinPorts(spans.map(([first, last]) => ({ first, last })))
      return [[{ on: dimension, test: this.#sets.ports(ports, false) }]]
    }
    const spans = joinSpans(
      steps.flatMap((step): AddressSpan[] => {
        const isFour = step.on === `${dimension}4`
        return this.#spansOf(step).map(
          ([first, last]) => ({ family: isFour ? 4 : 6, first, last }) as AddressSpan,
        )
      }),
    )
    const family = (number: IpFamily): ProgramStep => ({ on: 'family', family: number })
    return [
      ...(spans.v4.length > 0
        ? [[family(4), { on: `${dimension}4`, test: this.#sets.addresses4(spans, false) } as const]]
        : []),
      ...(spans.v6.length > 0
        ? [[family(6), { on: `${dimension}6`, test: this.#sets.addresses6(spans, false) } as const]]
        : []),
    ]
  }

  #spansOf(step: ProgramStep): (readonly [first: number | bigint, last: number | bigint])[] {
    if (!('test' in step)) return []
    const { test } = step
    if (test.is === 'within') return [[test.first, test.last]]
    return pairs(this.#sets.spansOf(test.set))
  }

  /** Whether the row asks for something of this kind, plainly and in few words. */
  #asksFor({ steps }: ProgramRow, dimension: Dimension): boolean {
    return steps.some((step) => {
      if (!isOf(step, dimension) || !('test' in step) || step.test.not) return false
      if (step.test.is === 'within') return true
      // What is known by a name is not known yet: its set has no spans.
      const { length } = this.#sets.spansOf(step.test.set)
      return length > 0 && length <= MAX_SPANS * 2
    })
  }
}

const isOf = (step: ProgramStep, dimension: Dimension): boolean =>
  step.on === dimension || step.on === `${dimension}4` || step.on === `${dimension}6`

function pairs<Value>(flat: ArrayLike<Value>): (readonly [Value, Value])[] {
  return Array.from({ length: flat.length / 2 }, (_, at) => [
    flat[at * 2] as Value,
    flat[at * 2 + 1] as Value,
  ])
}
