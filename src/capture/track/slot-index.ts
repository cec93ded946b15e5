/** Hot: runs per packet. Allocates nothing. */

const DISTANCE_BITS = 7
const MOST_IDS = 1 << 24
/** Farther than this from home and the table calls itself full: a bound on what one look-up can cost. */
export const MOST_PROBES = 1 << DISTANCE_BITS

/**
 * Open addressing with one 32-bit word per slot: some bits of the hash, how far the entry lies from its home slot, and
 * id + 1 (0: empty). The distance tells home from home, so that a look-up seldom reads a record in vain, and removal
 * shifts back without reading any. Whoever looks up walks `slots` itself and compares its own records:
 *
 *     for (let want = hash & tagMask, probes = 0; probes < MOST_PROBES; probes++, want += step) {
 *       word = slots[(hash + probes) & mask]; if (word === 0) break
 *       if ((word & ~idMask) === want) the id may be (word & idMask) - 1
 */
export class SlotIndex {
  readonly slots: Int32Array
  readonly mask: number
  readonly idMask: number
  readonly tagMask: number
  /** One more slot from home, in a slot's word. */
  readonly step: number
  readonly #idBits: number

  /** At most half full with `capacity` ids. Throws RangeError from 2^24 on: a slot has no more bits. */
  constructor(capacity: number) {
    if (capacity >= MOST_IDS)
      throw new RangeError(`a table of ${capacity}: fewer than ${MOST_IDS} are possible`)
    let size = 64
    while (size < capacity * 2) size *= 2
    this.slots = new Int32Array(size)
    this.mask = size - 1
    this.#idBits = 32 - Math.clz32(capacity)
    this.idMask = (1 << this.#idBits) - 1
    this.step = 1 << this.#idBits
    this.tagMask = ~((1 << (this.#idBits + DISTANCE_BITS)) - 1)
  }

  /** False when its neighbourhood is too crowded. */
  insert(hash: number, id: number): boolean {
    const { slots, mask, step } = this
    let slot = hash & mask
    let word = (hash & this.tagMask) | (id + 1)
    for (let probes = 0; probes < MOST_PROBES; probes++) {
      if (slots[slot] === 0) {
        slots[slot] = word
        return true
      }
      slot = (slot + 1) & mask
      word += step
    }
    return false
  }

  remove(hash: number, id: number): void {
    const { slots, mask, idMask } = this
    let hole = hash & mask
    for (let word = slots[hole] as number; (word & idMask) !== id + 1; word = slots[hole] as number) {
      if (word === 0) return
      hole = (hole + 1) & mask
    }
    for (let slot = (hole + 1) & mask; slots[slot] !== 0; slot = (slot + 1) & mask) {
      const word = slots[slot] as number
      const distance = (word >>> this.#idBits) & (MOST_PROBES - 1)
      const jump = (slot - hole) & mask
      if (distance < jump) continue
      slots[hole] = word - (jump << this.#idBits)
      hole = slot
    }
    slots[hole] = 0
  }
}
