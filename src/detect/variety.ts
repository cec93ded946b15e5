/** Hot: runs per flow of a host that tries many things. Allocates nothing. */

/** How many different things a host tries, up to 32 and roughly: each thing sets one bit of the host's word. */
export class Variety {
  readonly #bits: Uint32Array

  constructor(capacity: number) {
    this.#bits = new Uint32Array(capacity)
  }

  add(host: number, thing: number): void {
    this.#bits[host] = (this.#bits[host] as number) | (1 << (Math.imul(thing, 0x9e3779b1) >>> 27))
  }

  of(host: number): number {
    let count = 0
    for (let bits = this.#bits[host] as number; bits !== 0; bits &= bits - 1) count++
    return count
  }

  forget(host: number): void {
    this.#bits[host] = 0
  }

  forgetAll(): void {
    this.#bits.fill(0)
  }
}
