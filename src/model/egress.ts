/** One request that left this machine because of Gatehouse: put on record before it is sent. */
export interface EgressEntry {
  /** Rises with time. */
  readonly id: number
  /** Milliseconds since the epoch. */
  readonly at: number
  /** Host and port that it went to. */
  readonly to: string
  /** What was sent, in words: method and path, or the hash that was asked about. Never a key. */
  readonly what: string
  /** On whose behalf: `list feodo`, `service virustotal`. */
  readonly why: string
}
