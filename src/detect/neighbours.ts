/** Hot: runs per ARP packet. Allocates nothing. */

const ROWS = 4_096
const WAYS = 4

/** `moved`: another MAC than before; `back`: the one it had before that. */
export const NEWS = { nothing: 0, fresh: 1, moved: 2, back: 3 } as const

/** Which link address (MAC) each IPv4 neighbour has, and had before; in sets of four, the longest silent makes room. */
export class Neighbours {
  readonly capacity = ROWS
  readonly address = new Int32Array(ROWS)
  readonly macHigh = new Int32Array(ROWS)
  readonly macLow = new Int32Array(ROWS)
  readonly oldMacHigh = new Int32Array(ROWS)
  readonly oldMacLow = new Int32Array(ROWS)
  /** 0 where the row is free. */
  readonly seenAt = new Float64Array(ROWS)
  readonly firstAt = new Float64Array(ROWS)
  /** After `see`: what was learned. */
  news: (typeof NEWS)[keyof typeof NEWS] = NEWS.nothing

  /** Notes that an address uses a MAC; answers its row, and says in `news` what that means. */
  see(address: number, macHigh: number, macLow: number, now: number): number {
    const start = startOf(address)
    let row = -1
    let rested = start
    for (let at = start; at < start + WAYS; at++) {
      if (this.seenAt[at] !== 0 && this.address[at] === address) row = at
      if ((this.seenAt[at] as number) < (this.seenAt[rested] as number)) rested = at
    }
    if (row < 0) return this.#open(rested, address, macHigh, macLow, now)
    this.seenAt[row] = now
    this.news = NEWS.nothing
    if (this.macHigh[row] === macHigh && this.macLow[row] === macLow) return row
    const isBack = this.oldMacHigh[row] === macHigh && this.oldMacLow[row] === macLow
    this.news = isBack ? NEWS.back : NEWS.moved
    this.oldMacHigh[row] = this.macHigh[row] as number
    this.oldMacLow[row] = this.macLow[row] as number
    this.macHigh[row] = macHigh
    this.macLow[row] = macLow
    return row
  }

  /** The row of an address, or -1. */
  find(address: number): number {
    const start = startOf(address)
    for (let at = start; at < start + WAYS; at++) {
      if (this.seenAt[at] !== 0 && this.address[at] === address) return at
    }
    return -1
  }

  /** Addresses that the MAC of a row has claimed, but its own. For reports: allocates. */
  othersOf(row: number): number[] {
    const others: number[] = []
    for (let at = 0; at < ROWS && others.length < 16; at++) {
      const isSame = this.macHigh[at] === this.macHigh[row] && this.macLow[at] === this.macLow[row]
      if (at !== row && this.seenAt[at] !== 0 && isSame) others.push(this.address[at] as number)
    }
    return others
  }

  // Five plain numbers: hot path.
  #open(row: number, address: number, macHigh: number, macLow: number, now: number): number {
    this.address[row] = address
    this.macHigh[row] = macHigh
    this.macLow[row] = macLow
    this.oldMacHigh[row] = 0
    this.oldMacLow[row] = 0
    this.seenAt[row] = now
    this.firstAt[row] = now
    this.news = NEWS.fresh
    return row
  }
}

const startOf = (address: number): number =>
  ((Math.imul(address, 0x9e3779b1) >>> 22) & (ROWS / WAYS - 1)) * WAYS

/** `02:00:00:00:00:01`. */
export function formatMac(high: number, low: number): string {
  const hex = (high & 0xffff).toString(16).padStart(4, '0') + (low >>> 0).toString(16).padStart(8, '0')
  return hex.replace(/(..)(?=.)/g, '$1:')
}
