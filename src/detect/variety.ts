/** Hot: runs per flow of a host that tries many things. Allocates nothing. */

/**
 * How many different things a host tried in this window and the last, up to 32 and roughly: each thing sets one bit
 * of the host's word. Two windows, so that a busy host does not look like a quiet one where a new one begins.
 */
export class Variety {
  readonly #now: Uint32Array
  readonly #before: Uint32Array

  constructor(capacity: number) {
    this.#now = new Uint32Array(capacity)
    this.#before = new Uint32Array(capacity)
  }

  add(host: number, thing: number): void {
    this.#now[host] = (this.#now[host] as number) | (1 << (Math.imul(thing, 0x9e3779b1) >>> 27))
  }

  of(host: number): number {
    let count = 0
    let bits = (this.#now[host] as number) | (this.#before[host] as number)
    for (; bits !== 0; bits &= bits - 1) count++
    return count
  }

  forget(host: number): void {
    this.#now[host] = 0
    this.#before[host] = 0
  }

  /** Begins a new window for the hosts from `start` to before `end`. */
  turn(start: number, end: number): void {
    for (let host = start; host < end; host++) {
      this.#before[host] = this.#now[host] as number
      this.#now[host] = 0
    }
  }
}
