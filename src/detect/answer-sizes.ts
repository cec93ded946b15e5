/** Hot: runs per failed log-in. Allocates nothing. */

/** How much follows the newest one. */
const NEWEST = 1 / 8
/** How far sizes of one answer and the next may lie apart, as a share of their mean. */
const MOST_SPREAD = 0.25

/** Whether the answers to guesses are of one size: a refusal is, what somebody gets who got in is not. Rows of numbers. */
export class AnswerSizes {
  readonly #mean: Float64Array
  /** How far they lay from the mean. */
  readonly #spread: Float64Array

  constructor(rows: number) {
    this.#mean = new Float64Array(rows)
    this.#spread = new Float64Array(rows)
  }

  clear(row: number): void {
    this.#mean[row] = 0
    this.#spread[row] = 0
  }

  /** `bytes` came back; 0 where that tells nothing. */
  add(row: number, bytes: number): void {
    if (bytes === 0) return
    const mean = (this.#mean[row] as number) || bytes
    const spread = this.#spread[row] as number
    this.#mean[row] = mean + (bytes - mean) * NEWEST
    this.#spread[row] = spread + (Math.abs(bytes - mean) - spread) * NEWEST
  }

  areAlike(row: number): boolean {
    return (this.#spread[row] as number) <= (this.#mean[row] as number) * MOST_SPREAD
  }
}
