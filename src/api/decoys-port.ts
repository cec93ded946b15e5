import type { DecoyChange, DecoyOutcome, DecoyStatus } from '#contract/decoys.ts'
import type { Actor } from './actor.ts'

/** What the API asks about decoys. */
export interface DecoysPort {
  status(): DecoyStatus
  /** Changes the settings of decoys, which hold at once, and says what that means. Throws Refused. */
  change(request: DecoyChange, actor: Actor): Promise<DecoyOutcome>
}
