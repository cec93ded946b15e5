/** Hot: runs per packet. Allocates nothing. */

/** More steps than this from home and the table calls itself full: a bound on what one look-up can cost. */
export const MOST_PROBES = 128

/**
 * Open addressing over [hash, id + 1] pairs; 0 is an empty slot. Removal shifts back, so there are no tombstones,
 * and it reads slots alone, never the records. Whoever looks up walks `slots` itself and compares its records.
 */
export class SlotIndex {
  readonly slots: Int32Array
  readonly mask: number

  /** Half full at `capacity` ids at most. */
  constructor(capacity: number) {
    let size = 64
    while (size < capacity * 2) size *= 2
    this.slots = new Int32Array(size * 2)
    this.mask = size - 1
  }

  /** False when its neighbourhood is too crowded. */
  insert(hash: number, id: number): boolean {
    const { slots, mask } = this
    let slot = hash & mask
    for (let probes = 0; probes < MOST_PROBES; probes++) {
      if (slots[slot * 2 + 1] === 0) {
        slots[slot * 2] = hash
        slots[slot * 2 + 1] = id + 1
        return true
      }
      slot = (slot + 1) & mask
    }
    return false
  }

  remove(hash: number, id: number): void {
    const { slots, mask } = this
    let hole = hash & mask
    while (slots[hole * 2 + 1] !== id + 1) {
      if (slots[hole * 2 + 1] === 0) return
      hole = (hole + 1) & mask
    }
    for (let slot = (hole + 1) & mask; slots[slot * 2 + 1] !== 0; slot = (slot + 1) & mask) {
      const home = (slots[slot * 2] as number) & mask
      if (((slot - home) & mask) < ((slot - hole) & mask)) continue
      slots[hole * 2] = slots[slot * 2] as number
      slots[hole * 2 + 1] = slots[slot * 2 + 1] as number
      hole = slot
    }
    slots[hole * 2] = 0
    slots[hole * 2 + 1] = 0
  }
}
