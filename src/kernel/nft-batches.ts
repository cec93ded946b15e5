import { ELEMENTS_PER_MESSAGE, type NftElement } from './nft-elements.ts'

const ELEMENTS_PER_BATCH = 100_000

/** Elements by the set that they belong to. */
export interface SetFill {
  readonly set: string
  readonly elements: readonly NftElement[]
}

/** What one message takes at a time. */
export function chunks<Item>(items: readonly Item[]): (readonly Item[])[] {
  if (items.length <= ELEMENTS_PER_MESSAGE) return items.length === 0 ? [] : [items]
  const count = Math.ceil(items.length / ELEMENTS_PER_MESSAGE)
  return Array.from({ length: count }, (_, at) =>
    items.slice(at * ELEMENTS_PER_MESSAGE, (at + 1) * ELEMENTS_PER_MESSAGE),
  )
}

/** Cuts the fills into transactions of at most 100,000 elements. */
export function batchesOf(fills: readonly SetFill[]): SetFill[][] {
  const batches: SetFill[][] = [[]]
  let room = ELEMENTS_PER_BATCH
  for (const { set, elements } of fills) {
    for (let at = 0; at < elements.length; ) {
      if (room === 0) {
        batches.push([])
        room = ELEMENTS_PER_BATCH
      }
      const some = elements.slice(at, at + room)
      batches.at(-1)?.push({ set, elements: some })
      at += some.length
      room -= some.length
    }
  }
  return batches
}
