const HOUR_MS = 3_600_000
const HOURS = 168
/** Monday 1970-01-05 00:00 UTC: weeks begin here. */
const FIRST_MONDAY_MS = 4 * 24 * HOUR_MS
/** Mean, spread, and how many weeks are in them. */
const COLUMNS = 3
/** The slot behind those of the week: all hours alike. */
const ALL = HOURS
/** So many weeks are remembered, about 30 days; of all hours so many. */
const MOST_WEEKS = 5
const MOST_HOURS = 720
/** From so many weeks on an hour of the week is judged by itself, before by all hours. */
const ENOUGH_WEEKS = 2
/** One strange hour may move what is usual by no more than if it had been so many times the mean, or so many spreads. */
const MOST_TIMES = 3
const MOST_SPREADS = 4

export interface UsualAmount {
  readonly mean: number
  /** The mean distance from the mean. */
  readonly spread: number
}

/**
 * How much is usual in each hour of the week (UTC), learned from hour after hour: a mean and a spread that follow slowly,
 * and that no single hour can carry away. It forgets as it learns: what is older than about 30 days counts little.
 */
export class UsualHours {
  readonly #slots: Float32Array

  /** `state` is that of an earlier one; what does not fit is passed by. */
  constructor(state?: Uint8Array) {
    this.#slots = new Float32Array((HOURS + 1) * COLUMNS)
    if (state?.byteLength === this.#slots.byteLength) new Uint8Array(this.#slots.buffer).set(state)
    if (!this.#slots.every(Number.isFinite)) this.#slots.fill(0)
  }

  /** To keep: a copy. */
  get state(): Uint8Array {
    return new Uint8Array(this.#slots.slice().buffer)
  }

  /** The mean of all hours. */
  get mean(): number {
    return this.#slots[ALL * COLUMNS] as number
  }

  /** Takes in the amount of the whole hour that `at` (milliseconds since the epoch) lies in. */
  learn(at: number, amount: number): void {
    this.#learn(slotOf(at), amount, MOST_WEEKS)
    this.#learn(ALL, amount, MOST_HOURS)
  }

  /** What is usual in the hour that `at` lies in; what is usual an hour earlier or later is not strange either. */
  at(at: number): UsualAmount {
    const around = [at - HOUR_MS, at, at + HOUR_MS].map((time) => this.#of(slotOf(time)))
    return {
      mean: Math.max(...around.map(({ mean }) => mean)),
      spread: Math.max(...around.map(({ spread }) => spread)),
    }
  }

  #of(slot: number): UsualAmount {
    const isKnown = (this.#slots[slot * COLUMNS + 2] as number) >= ENOUGH_WEEKS
    const from = (isKnown ? slot : ALL) * COLUMNS
    return { mean: this.#slots[from] as number, spread: this.#slots[from + 1] as number }
  }

  #learn(slot: number, amount: number, mostCounts: number): void {
    const from = slot * COLUMNS
    const [mean, spread, count] = this.#slots.subarray(from, from + COLUMNS) as unknown as [
      number,
      number,
      number,
    ]
    const most = Math.max(mean * MOST_TIMES, mean + spread * MOST_SPREADS)
    // What was nothing until now has to begin somewhere.
    const taken = count >= ENOUGH_WEEKS && most > 0 ? Math.min(amount, most) : amount
    const share = 1 / Math.min(count + 1, mostCounts)
    this.#slots[from] = mean + (taken - mean) * share
    // The first amount alone says nothing of the spread.
    if (count > 0)
      this.#slots[from + 1] = spread + (Math.abs(taken - mean) - spread) / Math.min(count, mostCounts)
    this.#slots[from + 2] = Math.min(count + 1, mostCounts)
  }
}

const slotOf = (at: number): number => {
  const hours = Math.floor((at - FIRST_MONDAY_MS) / HOUR_MS)
  return ((hours % HOURS) + HOURS) % HOURS
}
