import type { Outcome } from '#contract/schemas.ts'
import type { RecordingFile, ShieldStatus } from '#contract/shield.ts'

/** What the API asks about what the response did besides blocks. */
export interface ShieldPort {
  status(): ShieldStatus
  /** Throws Refused where the port is not closed. */
  open(port: number, actor: string): Outcome
  recordings(): readonly RecordingFile[]
}
