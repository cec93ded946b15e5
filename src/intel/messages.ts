import type { HashKey } from './indicators/half-sip-hash.ts'
import type { ListColumns } from './indicators/list-columns.ts'
import type { UpdateOutcome, UpdatePlan } from './update/update-list.ts'

/** What the thread needs to begin. */
export interface ReaderStart {
  readonly key: HashKey
}

/** To the thread. */
export type ReaderOrder =
  | { readonly kind: 'load'; readonly number: number; readonly path: string; readonly maxEntries: number }
  | { readonly kind: 'update'; readonly number: number; readonly plan: UpdatePlan; readonly keptFile: string }
  /** The request of this number is on record and may go out, or may not. */
  | { readonly kind: 'recorded'; readonly number: number; readonly isOnRecord: boolean }

/** From the thread. */
export type ReaderReport =
  | { readonly kind: 'loaded'; readonly number: number; readonly columns: ListColumns }
  | { readonly kind: 'updated'; readonly number: number; readonly outcome: UpdateOutcome }
  | { readonly kind: 'failed'; readonly number: number; readonly reason: string }
  /** A request is about to be sent on behalf of `order`. */
  | {
      readonly kind: 'hop'
      readonly number: number
      readonly order: number
      readonly to: string
      readonly what: string
    }
