import type { Outcome } from '#contract/schemas.ts'
import type { RecordingFile, ShieldStatus } from '#contract/shield.ts'
import type { Ip } from '#model/address.ts'

/** What the API asks about what the response did besides blocks. */
export interface ShieldPort {
  status(): ShieldStatus
  /** Throws Refused where the port is not closed. */
  open(port: number, actor: string): Outcome
  /** Takes the SYN proxy away. Throws Refused where none stands. */
  unguard(port: number, actor: string): Outcome
  unchallenge(address: Ip, actor: string): Outcome
  recordings(): readonly RecordingFile[]
}
