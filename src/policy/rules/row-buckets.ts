import { type Leaf, type LeafLimits, leavesOf, type RowSpan } from './row-leaves.ts'

/** Leaves whose numbers are told apart without their last bits: such a map can be hashed, and is found in one step. */
export interface Buckets<Value extends number | bigint> {
  /** So many last bits do not count. */
  readonly shift: number
  /** Their spans begin and end with whole buckets. */
  readonly leaves: readonly Leaf<Value>[]
}

/** So many buckets there may be for each row; and at least so many. */
const BUCKETS_PER_ROW = 4
const MIN_BUCKETS = 1_024

/** As fine as that many buckets allow. Undefined where rows overlap too much. */
export function bucketsOf<Value extends number | bigint>(
  spans: readonly RowSpan<Value>[],
  limits: LeafLimits & { readonly rows: number },
): Buckets<Value> | undefined {
  return typeof spans[0]?.first === 'bigint'
    ? (wide(spans as readonly RowSpan<bigint>[], limits) as Buckets<Value> | undefined)
    : (narrow(spans as readonly RowSpan<number>[], limits) as Buckets<Value> | undefined)
}

const roomFor = (rows: number): number => Math.max(MIN_BUCKETS, rows * BUCKETS_PER_ROW)

function narrow(
  spans: readonly RowSpan<number>[],
  limits: LeafLimits & { readonly rows: number },
): Buckets<number> | undefined {
  const room = roomFor(limits.rows)
  let shift = 0
  const within = (value: number): number => Math.floor(value / 2 ** shift)
  const count = (): number =>
    spans.reduce((sum, { first, last }) => sum + within(last) - within(first) + 1, 0)
  while (count() > room) shift++
  const leaves = leavesOf(joinedByRow(spans, within, 1), 1, limits)
  return (
    leaves && { shift, leaves: leaves.map((leaf) => ({ ...leaf, spans: whole(leaf.spans, 2 ** shift, 1) })) }
  )
}

function wide(
  spans: readonly RowSpan<bigint>[],
  limits: LeafLimits & { readonly rows: number },
): Buckets<bigint> | undefined {
  const room = BigInt(roomFor(limits.rows))
  let shift = 0n
  const within = (value: bigint): bigint => value >> shift
  const count = (): bigint =>
    spans.reduce((sum, { first, last }) => sum + within(last) - within(first) + 1n, 0n)
  while (count() > room) shift += 1n
  const leaves = leavesOf(joinedByRow(spans, within, 1n), 1n, limits)
  return (
    leaves && {
      shift: Number(shift),
      leaves: leaves.map((leaf) => ({ ...leaf, spans: whole(leaf.spans, 1n << shift, 1n) })),
    }
  )
}

/** What was apart may share a bucket; the spans of a row follow one another, in order. */
function joinedByRow<Value extends number | bigint>(
  spans: readonly RowSpan<Value>[],
  within: (value: Value) => Value,
  one: Value,
): RowSpan<Value>[] {
  const joined: { row: number; first: Value; last: Value }[] = []
  for (const span of spans) {
    const [first, last] = [within(span.first), within(span.last)]
    const before = joined.at(-1)
    if (before?.row === span.row && first <= (((before.last as never) + (one as never)) as Value))
      before.last = last
    else joined.push({ row: span.row, first, last })
  }
  return joined
}

/** Buckets as the numbers that are in them. */
function whole<Value extends number | bigint>(flat: readonly Value[], size: Value, one: Value): Value[] {
  const [times, minus] = [
    (a: Value, b: Value): Value => ((a as never) * (b as never)) as Value,
    (a: Value, b: Value): Value => ((a as never) - (b as never)) as Value,
  ]
  return flat.map((value, at) =>
    at % 2 === 0 ? times(value, size) : minus(times(((value as never) + (one as never)) as Value, size), one),
  )
}
