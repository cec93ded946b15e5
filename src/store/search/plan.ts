import type { DatabaseSync } from 'node:sqlite'
import type { AddressRange } from '#contract/search/address-range.ts'
import type { Search } from '#contract/search/search.ts'
import type { Values } from '../rows.ts'
import { Binding, type SearchState } from './binding.ts'
import { classWay } from './classes.ts'
import { DimensionIds } from './dimension-ids.ts'
import type { Sieve } from './lead.ts'
import type { Walk } from './part.ts'
import { partsOf, usedValues } from './terms.ts'

/** How a search is done in the store. */
export interface Plan {
  /** The tables, and what must hold: the conditions alone decide what is found. */
  readonly from: string
  readonly where: string
  readonly values: Values
  /** For each term that an index helps with, the walks to all flows that may meet it. */
  readonly ways: readonly (readonly Walk[])[]
  /** For each term that columns speak of. */
  readonly sieves: readonly Sieve[]
  /** Bounds of `opened_at` that every found flow keeps; infinite where none is asked for. */
  readonly openedFrom: number
  readonly openedTo: number
}

export function planOf(
  db: DatabaseSync,
  search: Search,
  { state, run, blocked }: { state: SearchState; run: number; blocked: readonly AddressRange[] },
): Plan {
  const bind = new Binding(db)
  const tools = { bind, ids: new DimensionIds(db), run, state, blocked }
  const parts = search.terms.map((term) => partsOf(term, tools))
  state.patterns = bind.patterns
  state.idSets = bind.idSets
  const where = parts.length === 0 ? '1' : parts.map(({ condition }) => condition).join(' AND ')
  const byClass = classWay(db, search)
  const ways = parts.flatMap(({ walks }) => (walks ? [walks] : []))
  const needsOwners = parts.some((part) => part.needsOwners)
  return {
    from: needsOwners ? 'flows LEFT JOIN owners ON owners.id = flows.owner' : 'flows',
    where,
    values: usedValues(where, bind.values),
    ways: byClass ? [...ways, [byClass.walk]] : ways,
    sieves: [...parts.flatMap(({ sieve }) => sieve ?? []), ...(byClass ? [byClass.sieve] : [])],
    ...openedSpan(search),
  }
}

/** Only from terms with one value that must hold: the others need every flow. */
function openedSpan(search: Search): Pick<Plan, 'openedFrom' | 'openedTo'> {
  let [openedFrom, openedTo] = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY]
  for (const { key, isNot, anyOf } of search.terms) {
    const [test] = anyOf
    if (isNot || anyOf.length !== 1 || test?.kind !== 'number') continue
    if (key === 'since') openedFrom = Math.max(openedFrom, test.span.from ?? openedFrom)
    if (key === 'until') openedTo = Math.min(openedTo, test.span.to ?? openedTo)
  }
  return { openedFrom, openedTo }
}
