import type { NumberSpan } from '#contract/search/search.ts'
import type { AddressesColumn, NumbersColumn, RangesColumn } from '../columns/segment-columns.ts'

/** What a test means for one column. */
export type Lead = LeadOfNumbers | LeadOfAddresses | LeadOfSpan

export interface LeadOfNumbers extends Directed {
  readonly column: NumbersColumn
  readonly fits: (value: number) => boolean
}

export interface LeadOfAddresses extends Directed {
  readonly column: AddressesColumn
  readonly fits: (address: Uint8Array) => boolean
}

export interface LeadOfSpan extends Directed {
  readonly column: RangesColumn
  readonly span: NumberSpan
}

interface Directed {
  /** Only flows in these directions, by code; absent: all. */
  readonly directions?: readonly number[]
}

/** A term: flows of which no lead speaks are left out; of a negated one, those of which a lead speaks for certain. */
export interface Sieve {
  readonly isNot: boolean
  readonly leads: readonly Lead[]
}

export const amongNumbers = (column: NumbersColumn, values: readonly number[]): Lead => {
  const set = new Set(values)
  return { column, fits: (value) => set.has(value) }
}
