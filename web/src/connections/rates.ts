/** Five minutes. */
const POINTS = 30
const SAMPLE_MS = 10_000

interface Known {
  readonly points: Float32Array
  bytes: number
}

interface Sampled {
  readonly id: number
  readonly bytesForward: number
  readonly bytesBackward: number
}

/** How fast each live connection was of late: one number for ten seconds. As many as there are connections. */
export class RateHistory {
  readonly #known = new Map<number, Known>()
  #at = Number.NEGATIVE_INFINITY
  #head = 0

  /** Takes a sample when it is due, and says whether it was. `now` in milliseconds of any clock. */
  tick(now: number, connections: ReadonlyMap<number, Sampled>): boolean {
    const seconds = (now - this.#at) / 1000
    if (seconds * 1000 < SAMPLE_MS) return false
    this.#at = now
    this.#head = (this.#head + 1) % POINTS
    for (const { id, bytesForward, bytesBackward } of connections.values()) {
      const bytes = bytesForward + bytesBackward
      const known = this.#known.get(id)
      if (known) {
        known.points[this.#head] = Math.max(0, bytes - known.bytes) / seconds
        known.bytes = bytes
      } else this.#known.set(id, { points: new Float32Array(POINTS), bytes })
    }
    for (const id of this.#known.keys()) if (!connections.has(id)) this.#known.delete(id)
    return true
  }

  /** Bytes per second of all these together, oldest first. */
  sum(connections: readonly Sampled[]): Float32Array {
    const sum = new Float32Array(POINTS)
    for (const { id } of connections) {
      const points = this.#known.get(id)?.points
      if (!points) continue
      for (let at = 0; at < POINTS; at++) {
        sum[at] = (sum[at] ?? 0) + (points[(this.#head + 1 + at) % POINTS] ?? 0)
      }
    }
    return sum
  }
}
