/** Which of many numbers are meant. */
export interface IdSet {
  has(id: number): boolean
}

/** Up to here a bit for each number takes less room and time than a set of those that are meant. */
const HIGHEST_BIT = 2 ** 27

/** Of whole numbers of 0 or more. */
export function idSetOf(ids: readonly number[]): IdSet {
  let highest = 0
  for (const id of ids) if (id > highest) highest = id
  if (ids.length < 64 || highest >= HIGHEST_BIT) return new Set(ids)
  const bits = new Uint8Array((highest >>> 3) + 1)
  for (const id of ids) bits[id >>> 3] = (bits[id >>> 3] as number) | (1 << (id & 7))
  return { has: (id) => id <= highest && (((bits[id >>> 3] as number) >>> (id & 7)) & 1) === 1 }
}
