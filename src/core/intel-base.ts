import type { IntelSettings } from '#intel/settings.ts'
import type { Store } from '#store/store.ts'
import type { AllowBook } from './allow-book.ts'
import type { Gate } from './gate.ts'

/** What everything that knows of threats builds on. */
export interface IntelBase {
  readonly config: { readonly intel: IntelSettings }
  readonly paths: { readonly stateFolder: string }
  readonly store: Store
  readonly allow: AllowBook
  readonly gate: Gate
  readonly now: () => number
  readonly speaker: { say(sentence: string): void }
  readonly onStop: (stop: () => Promise<void>) => void
}

/** Puts a request on record; nothing is sent before it settles. */
export type Ledger = (request: {
  readonly to: string
  readonly what: string
  readonly why: string
}) => Promise<void>
