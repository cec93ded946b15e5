/** Hot: runs per TCP packet. Allocates nothing. */

/**
 * What slowness each flow shows, one word per flow: how often the originator sent a little more without an answer, and
 * how often it closed its window. Both count at most once a second: what is sent in one go is not slow.
 */
export class SlowFlows {
  readonly #notes: Uint32Array
  #followed = 0

  constructor(capacity: number) {
    this.#notes = new Uint32Array(capacity)
  }

  /** True when there is nothing to note: the caches are spared. */
  get isIdle(): boolean {
    return this.#followed === 0
  }

  follow(flow: number, now: number): void {
    if (this.#notes[flow] === 0) this.#followed++
    this.#notes[flow] = withSecond(FOLLOWED, secondOf(now))
  }

  forget(flow: number): void {
    if (this.#notes[flow] !== 0) this.#followed--
    this.#notes[flow] = 0
  }

  isFollowed(flow: number): boolean {
    return this.#notes[flow] !== 0
  }

  /** The originator sent data. */
  piece(flow: number, now: number): void {
    const notes = this.#notes[flow] as number
    if (notes === 0) return
    const pieces = notes & COUNT_MASK
    const second = secondOf(now)
    if (pieces > 0 && notes >>> SECOND_SHIFT === second) return
    if (pieces < COUNT_MASK) this.#notes[flow] = withSecond(notes + 1, second)
  }

  /** The originator has no room for more. */
  stall(flow: number, now: number): void {
    const notes = this.#notes[flow] as number
    if (notes === 0) return
    const stalls = (notes >>> STALL_SHIFT) & COUNT_MASK
    const second = secondOf(now)
    if (stalls > 0 && notes >>> SECOND_SHIFT === second) return
    if (stalls < COUNT_MASK) this.#notes[flow] = withSecond(notes + (1 << STALL_SHIFT), second)
  }

  /** The responder sent data: what came before was whole. */
  answer(flow: number): void {
    const notes = this.#notes[flow] as number
    if ((notes & COUNT_MASK) !== 0) this.#notes[flow] = (notes & ~COUNT_MASK) >>> 0
  }

  pieces(flow: number): number {
    return (this.#notes[flow] as number) & COUNT_MASK
  }

  stalls(flow: number): number {
    return ((this.#notes[flow] as number) >>> STALL_SHIFT) & COUNT_MASK
  }
}

/** From below: pieces, stalls, followed, and fifteen bits of the second that counted last. */
const COUNT_MASK = 0xff
const STALL_SHIFT = 8
const FOLLOWED = 1 << 16
const SECOND_SHIFT = 17

const secondOf = (now: number): number => Math.floor(now / 1000) & 0x7fff

const withSecond = (notes: number, second: number): number =>
  ((notes & (FOLLOWED | 0xffff)) | (second << SECOND_SHIFT)) >>> 0
