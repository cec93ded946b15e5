import type { Target } from './address.ts'
import type { Finding } from './finding.ts'

/** What to do about a finding, and which setting or list made us do it. */
export type Verdict =
  /** Nobody is to hear of it: the detector is off. */
  | { readonly action: 'ignore'; readonly because: string }
  /** Kept, and put away at once. */
  | { readonly action: 'record'; readonly because: string }
  /** Kept for people to look at. `overflow`: what else they should hear of, told as a finding. */
  | { readonly action: 'alert'; readonly because: string; readonly overflow?: Finding }
  | { readonly action: 'spare'; readonly because: string }
  | ({ readonly action: 'block' | 'suggest' } & Sentence)
  | ({ readonly action: 'limit'; readonly overflow?: Finding } & Sentence)

/** Whom a verdict is about, and for how long. */
export interface Sentence {
  readonly because: string
  readonly target: Target
  readonly forSeconds: number
  /** Of a repeater: "third time in 7 days". */
  readonly repeat?: string
}
