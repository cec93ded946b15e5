const FIRST_MS = 500
const LONGEST_MS = 60_000
/** What lived so long was well: its next start is quick again. */
const WELL_AFTER_MS = 60_000

export interface RestartOptions {
  /** Starts it again. */
  readonly start: () => void
  /** Milliseconds, monotonic. */
  readonly now: () => number
  readonly firstMs?: number
}

/**
 * When to start again what has ended by itself (a thread, a process): soon the first time, then each time after twice as
 * long, up to a minute. Say `began` at each start and `ended` at each end. The wait does not keep the process alive.
 */
export class Restart {
  readonly #start: () => void
  readonly #now: () => number
  readonly #firstMs: number
  #nextMs: number
  #beganAt = 0
  #timer: NodeJS.Timeout | undefined
  #isStopped = false

  constructor({ start, now, firstMs = FIRST_MS }: RestartOptions) {
    this.#start = start
    this.#now = now
    this.#firstMs = firstMs
    this.#nextMs = firstMs
  }

  began(): void {
    this.#beganAt = this.#now()
  }

  /** It has shown that it works: the next start is quick again. */
  proved(): void {
    this.#nextMs = this.#firstMs
  }

  /** Answers in how many milliseconds it is started again; said twice it counts once. After `stop` it never is. */
  ended(): number {
    if (this.#now() - this.#beganAt > WELL_AFTER_MS) this.proved()
    const waitMs = this.#nextMs
    if (this.#isStopped || this.#timer) return waitMs
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.#start()
    }, waitMs)
    this.#timer.unref()
    this.#nextMs = Math.min(LONGEST_MS, waitMs * 2)
    return waitMs
  }

  stop(): void {
    this.#isStopped = true
    clearTimeout(this.#timer)
  }
}
