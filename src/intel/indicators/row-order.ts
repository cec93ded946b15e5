/** Below this a comparison sort is quicker than counting 65,536 digits. */
const FEW = 4_096

/** The rows in rising order of `columns`, the first of them weighing most; equal rows stay in their order. */
export function rowOrder(columns: readonly Uint32Array[], count: number): Uint32Array {
  const order = new Uint32Array(count)
  for (let row = 0; row < count; row++) order[row] = row
  if (count <= FEW) return order.sort((a, b) => compare(columns, a, b) || a - b)
  return countingOrder(columns, order)
}

function compare(columns: readonly Uint32Array[], a: number, b: number): number {
  for (const column of columns) {
    const difference = (column[a] as number) - (column[b] as number)
    if (difference !== 0) return difference
  }
  return 0
}

/** Radix sort, 16 bits at a time from the least significant: a million rows take milliseconds per pass. */
function countingOrder(columns: readonly Uint32Array[], rows: Uint32Array): Uint32Array {
  let from = rows
  let to: Uint32Array = new Uint32Array(rows.length)
  const places = new Uint32Array(65_536)
  for (const column of [...columns].reverse()) {
    for (const shift of [0, 16]) {
      if (!countDigits(column, shift, rows.length, places)) continue
      for (let at = 0; at < from.length; at++) {
        const row = from[at] as number
        const digit = ((column[row] as number) >>> shift) & 0xffff
        const place = places[digit] as number
        places[digit] = place + 1
        to[place] = row
      }
      ;[from, to] = [to, from]
    }
  }
  return from
}

/** Where the rows of each digit begin; false when all have the same, so that the pass changes nothing. */
function countDigits(column: Uint32Array, shift: number, count: number, places: Uint32Array): boolean {
  places.fill(0)
  for (let row = 0; row < count; row++) {
    const digit = ((column[row] as number) >>> shift) & 0xffff
    places[digit] = (places[digit] as number) + 1
  }
  const first = ((column[0] as number) >>> shift) & 0xffff
  if (places[first] === count) return false
  let before = 0
  for (let digit = 0; digit < places.length; digit++) {
    const own = places[digit] as number
    places[digit] = before
    before += own
  }
  return true
}
