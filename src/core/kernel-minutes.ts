const MINUTE_MS = 60_000
const KEPT_MINUTES = 2 * 24 * 60

export interface KernelSample {
  /** Packets that each block turned away since it stands. */
  readonly blocks: readonly { readonly target: string; readonly droppedPackets: number }[]
  /** Packets that capture lost since the start, over all interfaces. */
  readonly lost: number
}

/** How many packets the kernel turned away or lost in each minute of the last two days. Bounded. */
export class KernelMinutes {
  readonly #minutes = new Map<number, number>()
  #drops = new Map<string, number>()
  #lost = 0
  #startedAt = Number.NaN

  /** Takes in the counters as they are at `now` (milliseconds since the epoch). */
  take({ blocks, lost }: KernelSample, now: number): void {
    let fresh = Math.max(0, lost - this.#lost)
    this.#lost = lost
    const drops = new Map<string, number>()
    for (const { target, droppedPackets } of blocks) {
      drops.set(target, droppedPackets)
      const before = this.#drops.get(target)
      // A block that was there before us counted before us; one that is new since the last look did not.
      if (before !== undefined || !Number.isNaN(this.#startedAt)) {
        fresh += Math.max(0, droppedPackets - (before ?? 0))
      }
    }
    this.#drops = drops
    if (Number.isNaN(this.#startedAt)) this.#startedAt = now
    const minute = Math.floor(now / MINUTE_MS)
    if (fresh > 0) this.#minutes.set(minute, (this.#minutes.get(minute) ?? 0) + fresh)
    for (const old of this.#minutes.keys()) {
      if (old > minute - KEPT_MINUTES) break
      this.#minutes.delete(old)
    }
  }

  /** Counts of `length` buckets from `since` on, and how far back they reach. */
  counts(since: number, bucketMs: number, length: number): { counts: number[]; reachesTo: number } {
    const counts = new Array<number>(length).fill(0)
    for (const [minute, count] of this.#minutes) {
      const bucket = Math.floor((minute * MINUTE_MS - since) / bucketMs)
      const known = counts[bucket]
      if (known !== undefined) counts[bucket] = known + count
    }
    const reachesTo = Number.isNaN(this.#startedAt) ? since + bucketMs * length : this.#startedAt
    return { counts, reachesTo: Math.max(since, reachesTo) }
  }
}
