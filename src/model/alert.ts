import type { Target } from './address.ts'
import type { Finding } from './finding.ts'

/** A block that waits for a person to accept it. */
export interface Suggestion {
  readonly target: Target
  readonly forSeconds: number
}

/** A finding as it is kept: folded with its repeats, and with what was done about it. */
export interface Alert extends Finding {
  readonly id: number
  /** How often the same story was told. */
  readonly times: number
  readonly lastSeenAt: number
  /** What was done and why, in words a person reads: "Blocked for 10 min" or "Not blocked: 192.0.2.1 is the gateway". */
  readonly response: string
  readonly archived: boolean
  /** Absent: nothing was suggested, or somebody accepted it. */
  readonly suggestion?: Suggestion
}
