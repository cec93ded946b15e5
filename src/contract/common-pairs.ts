/** Beyond this many pairs only what both begin and end with is compared. */
const MOST_PAIRS = 4_000_000

/** The places of what two lists have in common, in order: index in the one, index in the other. */
export function commonPairs(one: readonly string[], other: readonly string[]): (readonly [number, number])[] {
  let start = 0
  while (start < Math.min(one.length, other.length) && one[start] === other[start]) start++
  const most = Math.min(one.length, other.length) - start
  let tail = 0
  while (tail < most && one[one.length - 1 - tail] === other[other.length - 1 - tail]) tail++
  const [end, otherEnd] = [one.length - tail, other.length - tail]
  const middle = longestCommon(one.slice(start, end), other.slice(start, otherEnd))
  return [
    ...Array.from({ length: start }, (_, at) => [at, at] as const),
    ...middle.map(([at, there]) => [start + at, start + there] as const),
    ...Array.from({ length: tail }, (_, at) => [end + at, otherEnd + at] as const),
  ]
}

function longestCommon(one: readonly string[], other: readonly string[]): [number, number][] {
  if (one.length * other.length > MOST_PAIRS) return []
  const length = lengthsOf(one, other)
  const pairs: [number, number][] = []
  let [row, column] = [0, 0]
  while (row < one.length && column < other.length) {
    if (one[row] === other[column]) pairs.push([row++, column++])
    else if (length(row + 1, column) >= length(row, column + 1)) row++
    else column++
  }
  return pairs
}

/** How much the ends of both have in common, from a place in each. */
function lengthsOf(
  one: readonly string[],
  other: readonly string[],
): (row: number, column: number) => number {
  const width = other.length + 1
  const lengths = new Uint32Array((one.length + 1) * width)
  const length = (row: number, column: number): number => lengths[row * width + column] ?? 0
  for (let row = one.length - 1; row >= 0; row--) {
    for (let column = other.length - 1; column >= 0; column--) {
      const isSame = one[row] === other[column]
      const without = Math.max(length(row + 1, column), length(row, column + 1))
      lengths[row * width + column] = isSame ? length(row + 1, column + 1) + 1 : without
    }
  }
  return length
}
