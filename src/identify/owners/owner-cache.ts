import type { Owner, SocketKey } from '#model/owner.ts'

/** One text for the five numbers of a socket. */
export const keyText = (key: SocketKey): string =>
  `${key.protocol} ${key.localAddress} ${key.localPort} ${key.peerAddress} ${key.peerPort}`

/** Owners by socket. Bounded: the one that was not asked for longest makes room. */
export class OwnerCache {
  readonly #entries = new Map<string, { readonly owner: Owner; readonly learnedAt: number }>()
  readonly #capacity: number

  constructor(capacity: number) {
    this.#capacity = capacity
  }

  get size(): number {
    return this.#entries.size
  }

  get(text: string): Owner | undefined {
    const entry = this.#entries.get(text)
    if (!entry) return undefined
    this.#entries.delete(text)
    this.#entries.set(text, entry)
    return entry.owner
  }

  set(text: string, owner: Owner, now: number): void {
    this.#entries.delete(text)
    if (this.#entries.size >= this.#capacity) {
      const oldest = this.#entries.keys().next()
      if (!oldest.done) this.#entries.delete(oldest.value)
    }
    this.#entries.set(text, { owner, learnedAt: now })
  }

  /** Forgets an entry that is older than `ageMs`: ports are used again, by other programs. */
  forgetOlder(text: string, ageMs: number, now: number): void {
    const entry = this.#entries.get(text)
    if (entry && now - entry.learnedAt > ageMs) this.#entries.delete(text)
  }
}
