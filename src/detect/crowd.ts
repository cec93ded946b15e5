/** Hot: runs per packet of a suspected flood. Allocates nothing. */

const REGISTERS = 256
const ALPHA = 0.7213 / (1 + 1.079 / REGISTERS)
const SLOTS = 8

/**
 * Who takes part, per row: how many different members, by HyperLogLog (Flajolet et al. 2007; ± 7 %, exact enough below
 * a hundred by linear counting), and the busiest ones, by the space-saving algorithm (Metwally et al. 2005). Members
 * are numbers, such as a host or a port; -1 is counted among the different ones by its identity alone.
 */
export class Crowd {
  readonly #registers: Uint8Array
  readonly #members: Int32Array
  readonly #counts: Uint32Array
  readonly #errors: Uint32Array

  constructor(rows: number) {
    this.#registers = new Uint8Array(rows * REGISTERS)
    this.#members = new Int32Array(rows * SLOTS)
    this.#counts = new Uint32Array(rows * SLOTS)
    this.#errors = new Uint32Array(rows * SLOTS)
  }

  clear(row: number): void {
    this.#registers.fill(0, row * REGISTERS, (row + 1) * REGISTERS)
    this.#counts.fill(0, row * SLOTS, (row + 1) * SLOTS)
  }

  /** `identity` tells members apart also where `member` is -1. */
  add(row: number, member: number, identity: number): void {
    let hash = Math.imul(identity ^ (identity >>> 16), 0x85ebca6b)
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
    hash ^= hash >>> 16
    const register = row * REGISTERS + (hash & (REGISTERS - 1))
    const rank = Math.clz32(hash >>> 8) - 7
    if (rank > (this.#registers[register] as number)) this.#registers[register] = rank
    if (member >= 0) this.#count(row * SLOTS, member)
  }

  /** About how many different members. */
  distinct(row: number): number {
    let sum = 0
    let empty = 0
    for (let at = row * REGISTERS; at < (row + 1) * REGISTERS; at++) {
      const rank = this.#registers[at] as number
      sum += 2 ** -rank
      if (rank === 0) empty++
    }
    const estimate = (ALPHA * REGISTERS * REGISTERS) / sum
    if (estimate > 2.5 * REGISTERS || empty === 0) return Math.round(estimate)
    return Math.round(REGISTERS * Math.log(REGISTERS / empty))
  }

  /** Those who did at least `least` for certain, busiest first; at most eight. For reports: allocates. */
  busiest(row: number, least: number): { readonly member: number; readonly count: number }[] {
    const start = row * SLOTS
    return Array.from({ length: SLOTS }, (_, at) => ({
      member: this.#members[start + at] as number,
      count: (this.#counts[start + at] as number) - (this.#errors[start + at] as number),
    }))
      .filter((_, at) => (this.#counts[start + at] as number) > 0)
      .filter(({ count }) => count >= least)
      .sort((a, b) => b.count - a.count || a.member - b.member)
  }

  #count(start: number, member: number): void {
    let least = start
    for (let slot = start; slot < start + SLOTS; slot++) {
      const count = this.#counts[slot] as number
      if (count > 0 && this.#members[slot] === member) {
        this.#counts[slot] = count + 1
        return
      }
      if (count < (this.#counts[least] as number)) least = slot
    }
    const before = this.#counts[least] as number
    this.#members[least] = member
    this.#errors[least] = before
    this.#counts[least] = before + 1
  }
}
