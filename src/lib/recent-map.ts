/**
 * A Map of at most `capacity` entries that forgets what was not used for long: what was used within the last
 * `capacity / 2` other keys is there. Two halves, the older thrown away as a whole: an eviction one by one would have
 * to find the oldest entry behind the holes that deleted ones leave in a Map, at a hundred times the price.
 */
export class RecentMap<K, V> {
  readonly #half: number
  #young = new Map<K, V>()
  #old = new Map<K, V>()

  constructor(capacity: number) {
    this.#half = Math.max(1, capacity >> 1)
  }

  /** Entries, those that were forgotten half and used again counted twice: never more than the capacity. */
  get size(): number {
    return this.#young.size + this.#old.size
  }

  /** Counts as a use. */
  get(key: K): V | undefined {
    const value = this.#young.get(key)
    if (value !== undefined) return value
    const older = this.#old.get(key)
    if (older !== undefined) this.set(key, older)
    return older
  }

  set(key: K, value: V): void {
    if (this.#young.size >= this.#half && !this.#young.has(key)) {
      this.#old = this.#young
      this.#young = new Map()
    }
    this.#young.set(key, value)
  }

  /** What is there, in no order that matters; counts as no use. */
  *entries(): Generator<readonly [K, V]> {
    yield* this.#young
    for (const entry of this.#old) if (!this.#young.has(entry[0])) yield entry
  }

  delete(key: K): void {
    this.#young.delete(key)
    this.#old.delete(key)
  }
  clear(): void {
    this.#young.clear()
    this.#old.clear()
  }
}
