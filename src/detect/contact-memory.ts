/** Hot: runs per flow. Allocates nothing. */

const BITS = 1 << 21
const WORDS = BITS / 32

/**
 * Which contacts were ever made, in two Bloom filters of 256 KB that take turns: what was noted is known for one to two
 * spans. It may take a contact for known that is not, about one in fifty when each holds 100,000.
 */
export class ContactMemory {
  readonly #spanMs: number
  #now = new Uint32Array(WORDS)
  #before = new Uint32Array(WORDS)
  #turnedAt = Number.NaN

  constructor(spanMs: number) {
    this.#spanMs = spanMs
  }

  add(contact: number): void {
    const first = firstBit(contact)
    const second = secondBit(contact)
    const bits = this.#now
    bits[first >>> 5] = (bits[first >>> 5] as number) | (1 << (first & 31))
    bits[second >>> 5] = (bits[second >>> 5] as number) | (1 << (second & 31))
  }

  has(contact: number): boolean {
    return isIn(this.#now, contact) || isIn(this.#before, contact)
  }

  tick(now: number): void {
    if (Number.isNaN(this.#turnedAt)) this.#turnedAt = now
    if (Math.abs(now - this.#turnedAt) < this.#spanMs) return
    this.#turnedAt = now
    const old = this.#before
    this.#before = this.#now
    this.#now = old.fill(0)
  }
}

const firstBit = (contact: number): number => Math.imul(contact, 0x9e3779b1) >>> 11
const secondBit = (contact: number): number => Math.imul(contact ^ (contact >>> 15), 0x2c1b3c6d) >>> 11

const isIn = (bits: Uint32Array, contact: number): boolean =>
  hasBit(bits, firstBit(contact)) && hasBit(bits, secondBit(contact))

const hasBit = (bits: Uint32Array, at: number): boolean =>
  ((bits[at >>> 5] as number) & (1 << (at & 31))) !== 0
