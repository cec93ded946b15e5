export type Id = number | string

export interface Listed<Item> {
  idOf(item: Item): Id
  /** Rows of what is over keep their places, too. */
  readonly keepsGone?: boolean
}

interface HeldRows<Item> {
  /** In their places, with those that are not shown just now: they may come back. */
  readonly held: readonly Item[]
  readonly items: readonly Item[]
  /** How many are not among them. */
  readonly waiting: number
  readonly gone: ReadonlySet<Id>
}

/**
 * The rows of a list that holds still, as they are `now`. What belongs below all of them comes in at once: it moves none.
 * Undefined: nothing is left of them, so there is nothing to hold.
 */
export function rowsHeld<Item>(
  before: readonly Item[],
  now: readonly Item[],
  { idOf, keepsGone = false }: Listed<Item>,
): HeldRows<Item> | undefined {
  const ids = new Set(before.map(idOf))
  const lowest = now.findLastIndex((item) => ids.has(idOf(item)))
  const held = lowest < 0 ? before : [...before, ...now.slice(lowest + 1)]
  const byId = new Map(now.map((item) => [idOf(item), item]))
  const items = held.flatMap((item) => byId.get(idOf(item)) ?? (keepsGone ? [item] : []))
  if (items.length === 0) return undefined
  const gone = new Set(items.map(idOf).filter((id) => !byId.has(id)))
  return { held, items, waiting: now.length - (items.length - gone.size), gone }
}
