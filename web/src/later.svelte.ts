import { SvelteMap } from 'svelte/reactivity'
import { keep, keptText } from './kept.ts'

const WAITS_MS = 24 * 3600 * 1000
const LOOKS_EVERY_MS = 60_000
/** Of more the oldest come back. */
const MOST = 500

/** Alerts that were put off: in this browser they come back to the inbox a day later. */
class Later {
  /** When each of them comes back. */
  readonly #until = new SvelteMap<number, number>(read())

  constructor() {
    this.#letBack()
    setInterval(() => this.#letBack(), LOOKS_EVERY_MS)
    // Another tab of this browser put something off, or back.
    addEventListener('storage', () => this.#readAgain())
  }

  has(id: number): boolean {
    return this.#until.has(id)
  }

  until(id: number): number | undefined {
    return this.#until.get(id)
  }

  /** Puts alerts off; answers when they come back. */
  put(ids: readonly number[]): number {
    const until = Date.now() + WAITS_MS
    for (const id of ids) this.#until.set(id, until)
    for (const id of [...this.#until.keys()].slice(0, Math.max(0, this.#until.size - MOST))) {
      this.#until.delete(id)
    }
    this.#keep()
    return until
  }

  take(ids: readonly number[]): void {
    for (const id of ids) this.#until.delete(id)
    this.#keep()
  }

  #readAgain(): void {
    const now = new Map(read())
    for (const id of [...this.#until.keys()]) if (!now.has(id)) this.#until.delete(id)
    for (const [id, until] of now) this.#until.set(id, until)
  }

  #letBack(): void {
    const now = Date.now()
    const over = [...this.#until].filter(([, until]) => until <= now).map(([id]) => id)
    if (over.length > 0) this.take(over)
  }

  #keep(): void {
    keep('later', JSON.stringify([...this.#until]))
  }
}

/** Whatever another version of the page, or another hand, left there. */
function read(): [number, number][] {
  try {
    const kept: unknown = JSON.parse(keptText('later') ?? '[]')
    return Array.isArray(kept) ? kept.filter(isPair) : []
  } catch {
    return []
  }
}

const isPair = (pair: unknown): pair is [number, number] =>
  Array.isArray(pair) && pair.length === 2 && pair.every(Number.isFinite)

export const later = new Later()
