import type { BlastRadius, Outcome } from '#contract/schemas.ts'
import type { Target } from '#model/address.ts'
import type { Actor } from './actor.ts'

/** What the API asks about blocks that are yet to be made. Refusals are thrown as `Refused`. */
export interface ResponsePort {
  /** What a block would cut off now. */
  blastRadius(target: Target): BlastRadius
  /** Makes the block that an alert suggests, and counts it in favour of its detector. */
  acceptSuggestion(alertId: number, actor: Actor): Promise<Outcome>
}
