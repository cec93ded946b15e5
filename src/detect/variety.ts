/** Hot: runs per flow. Allocates nothing. */

/**
 * How many different things each host tries, roughly, in one word per host: each thing sets one of 32 bits. A host
 * that does one thing a million times sets one. It keeps ordinary hosts and floods out of the larger tables.
 */
export class Variety {
  readonly #bits: Uint32Array

  constructor(capacity: number) {
    this.#bits = new Uint32Array(capacity)
  }

  /** Notes a thing; true once the host has tried three that differ. */
  add(host: number, thing: number): boolean {
    const before = this.#bits[host] as number
    const after = before | (1 << (Math.imul(thing, 0x9e3779b1) >>> 27))
    this.#bits[host] = after
    return hasThreeBits(before)
  }

  /** True once the host has tried three things that differ. */
  isVaried(host: number): boolean {
    return hasThreeBits(this.#bits[host] as number)
  }

  /** How many of the 32 bits are set. */
  bitsOf(host: number): number {
    let bits = this.#bits[host] as number
    let count = 0
    for (; bits !== 0; bits &= bits - 1) count++
    return count
  }

  forget(host: number): void {
    this.#bits[host] = 0
  }

  forgetAll(): void {
    this.#bits.fill(0)
  }
}

function hasThreeBits(bits: number): boolean {
  const withoutOne = bits & (bits - 1)
  return (withoutOne & (withoutOne - 1)) !== 0
}
