import type { Outcome } from '#contract/schemas.ts'
import type { RecordingFile, ShieldStatus } from '#contract/shield.ts'
import type { Ip } from '#model/address.ts'
import type { Endpoint } from '#model/endpoint.ts'

/** What the API asks about what the response did besides blocks. */
export interface ShieldPort {
  status(): ShieldStatus
  /** Throws Refused where the port is not closed. */
  open(port: number, actor: string): Outcome
  /** Takes the SYN proxy away. Throws Refused where none stands. */
  unguard(port: number, actor: string): Outcome
  unchallenge(address: Ip, actor: string): Outcome
  /** Takes the pace of a UDP port away. Throws Refused where there is none. */
  unpace(endpoint: Endpoint, actor: string): Outcome
  recordings(): readonly RecordingFile[]
}
