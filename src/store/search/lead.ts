import type { NumberSpan } from '#contract/search/search.ts'
import { numberKey } from '../columns/filter-keys.ts'
import type { AddressesColumn, NumbersColumn, RangesColumn, TimesColumn } from '../columns/segment-columns.ts'
import { idSetOf } from './id-set.ts'

/** What a test means for one column. */
export type Lead = LeadOfNumbers | LeadOfAddresses | LeadOfSpan | LeadOfKeys

export interface LeadOfNumbers extends Directed {
  readonly column: NumbersColumn
  readonly fits: (value: number) => boolean
}

export interface LeadOfAddresses extends Directed {
  readonly column: AddressesColumn
  readonly fits: (address: Uint8Array) => boolean
}

export interface LeadOfSpan extends Directed {
  readonly column: RangesColumn | TimesColumn
  readonly span: NumberSpan
}

/** No column tells, filters do. */
export interface LeadOfKeys extends Directed {
  readonly column: 'keys'
  readonly keys: readonly number[]
}

interface Directed {
  /** Only flows in these directions, by code; absent: all. */
  readonly directions?: readonly number[]
  /** Each flow that is meant has one of these keys (columns/filter-keys.ts); absent: too many. */
  readonly keys?: readonly number[]
}

/** A term: flows of which no lead speaks are left out; of a negated one, those of which a lead speaks for certain. */
export interface Sieve {
  readonly isNot: boolean
  readonly leads: readonly Lead[]
}

/** Each key costs a few reads. */
const MAX_KEYS = 16

export const amongNumbers = (column: NumbersColumn, values: readonly number[]): Lead => {
  const set = idSetOf(values)
  const kind = column === 'name' || column === 'asn' ? column : undefined
  return {
    column,
    fits: (value) => set.has(value),
    ...(kind && values.length <= MAX_KEYS && { keys: values.map((value) => numberKey(kind, value)) }),
  }
}
