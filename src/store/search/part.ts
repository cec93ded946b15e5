import type { AddressRange } from '#contract/search/address-range.ts'
import type { Values } from '../rows.ts'
import type { Binding, SearchState } from './binding.ts'
import type { DimensionIds, Spanned } from './dimension-ids.ts'
import type { Lead } from './lead.ts'

/** One way along an index to the flows of a segment that may fit. */
export type Walk =
  /** A condition that the index answers; `$segment` is bound for each segment. */
  | {
      readonly index: string
      readonly condition: string
      readonly values: Values
      /** For segments without columns alone: so many steps that columns lead faster. */
      readonly isLong?: true
    }
  /** Rows of which each is used in a few segments only. */
  | { readonly index: string; readonly column: string; readonly spans: readonly Spanned[] }

/** What a test is in the store: the condition decides, the walks lead to all that may meet it. */
export interface Part {
  readonly condition: string
  /** Absent: no index helps. */
  readonly walks?: readonly Walk[]
  /** Absent: no column tells. What leads speak of is what meets the condition; of large numbers, roughly. */
  readonly leads?: readonly Lead[]
}

export interface TermTools {
  readonly bind: Binding
  readonly ids: DimensionIds
  readonly run: number
  readonly state: Pick<SearchState, 'blocked'>
  /** What the blocks in force name. */
  readonly blocked: readonly AddressRange[]
}
