import type { Target } from './address.ts'

/** What to do about a finding, and which setting or list made us do it. */
export type Verdict =
  | { readonly action: 'record'; readonly because: string }
  | { readonly action: 'spare'; readonly because: string }
  | {
      readonly action: 'block'
      readonly because: string
      readonly target: Target
      readonly forSeconds: number
    }
