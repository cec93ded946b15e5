/** What is usual of one thing that an observer measures, as the store keeps it. */
export interface Usual {
  /** The observer's id. */
  readonly observer: string
  readonly key: string
  /** Milliseconds since the epoch: when it was first measured, and up to when it is. */
  readonly since: number
  readonly until: number
  /** Opaque: see policy or lib. */
  readonly state: Uint8Array
}
