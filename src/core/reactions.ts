const KEPT = 1_024
/** The clock was set meanwhile: such a figure says nothing. */
const LONGEST_MS = 60_000

/** How long blocks took, from the packet that made a detector speak to the element in the kernel. */
export interface Reactions {
  add(milliseconds: number): void
  /** Of the last 1,024: undefined before the first. */
  percentile(share: number): number | undefined
  readonly count: number
}

export function createReactions(): Reactions {
  const kept = new Float64Array(KEPT)
  let count = 0
  return {
    add(milliseconds) {
      if (milliseconds < 0 || milliseconds > LONGEST_MS) return
      kept[count++ % KEPT] = milliseconds
    },
    percentile(share) {
      if (count === 0) return undefined
      const sorted = kept.slice(0, Math.min(count, KEPT)).sort()
      return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]
    },
    get count() {
      return count
    },
  }
}

/** Milliseconds since the epoch with a fraction; follows the machine's clock when that is set. */
export function preciseNow(): number {
  const precise = performance.timeOrigin + performance.now()
  const plain = Date.now()
  return Math.abs(precise - plain) < 2 ? precise : plain
}
