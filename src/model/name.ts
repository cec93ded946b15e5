import type { Ip } from './address.ts'
import type { NameSource } from './flow.ts'

/** A name that was seen on the wire. It is data of strangers: text that may hold anything, bounded in length. */
export interface NameReport {
  /** Whose name it is. */
  readonly address: Ip
  /** In lower case. In a name of DNS a `.` or `\` within a label is written `\.` or `\\` (RFC 1035 §5.1). */
  readonly name: string
  readonly source: NameSource
  /** Milliseconds since the epoch. */
  readonly at: number
  /** How long the answer may be kept. */
  readonly ttlSeconds?: number
  /** Who asked, or who called it so. */
  readonly client: Ip
  /** Number of the flow that it was seen in, as in FlowRecord.id; absent where the flow is in no table. */
  readonly flow?: number
}
