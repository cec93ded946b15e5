/** Hot: runs per flow. Allocates nothing. */
import type { Hosts } from '#model/host.ts'

/** Marks are below 2^28, so that three more bits fit beside one in a positive 32-bit number. */
const MARK_BITS = 28

/**
 * Host numbers that outlive their host: a mark is the number and how often it was given to another. What a
 * detector remembers about a host that the table forgot so never falls on the next one with its number.
 */
export class HostMarks {
  readonly #generations: Uint16Array
  readonly #numberBits: number
  readonly #generationMask: number

  constructor(hosts: Hosts) {
    this.#generations = new Uint16Array(hosts.capacity)
    this.#numberBits = Math.max(1, 32 - Math.clz32(hosts.capacity - 1))
    this.#generationMask = (1 << (MARK_BITS - this.#numberBits)) - 1
  }

  of(host: number): number {
    return ((this.#generations[host] as number) << this.#numberBits) | host
  }

  /** The host of a mark; -1 when it was forgotten since. */
  hostOf(mark: number): number {
    const host = mark & ((1 << this.#numberBits) - 1)
    return this.of(host) === mark ? host : -1
  }

  forget(host: number): void {
    this.#generations[host] = ((this.#generations[host] as number) + 1) & this.#generationMask
  }
}
