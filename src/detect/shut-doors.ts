/** Hot: runs per refused flow. Allocates nothing. */

const DOORS = 4_096
/** So many strangers a second may fail at one door, and each is remembered for it. */
const REMEMBERED_PER_SECOND = 16

/**
 * How many strangers fail at a port of a target, by the second. Where thousands do, one more says nothing about that one:
 * a flood of forged SYNs at a closed port, which would push out of the tables who fails slowly at many.
 */
export class ShutDoors {
  readonly #seconds = new Float64Array(DOORS)
  readonly #failures = new Uint32Array(DOORS)

  /** Counts one more; true when there were enough of them this second. `target` is a number that tells targets apart. */
  isCrowded(target: number, port: number, now: number): boolean {
    const hash = Math.imul(target ^ (target >>> 15) ^ Math.imul(port, 0x9e3779b1), 0x2c1b3c6d)
    const door = (hash ^ (hash >>> 13)) & (DOORS - 1)
    const second = Math.floor(now / 1000)
    if (this.#seconds[door] !== second) {
      this.#seconds[door] = second
      this.#failures[door] = 0
    }
    const failures = (this.#failures[door] as number) + 1
    this.#failures[door] = failures
    return failures > REMEMBERED_PER_SECOND
  }
}
