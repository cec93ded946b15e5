/** Hot: runs per packet. Allocates nothing. */

export const STREAM_BYTES = 16_384
const STREAMS = 128
const NOBODY = -1

/**
 * The first bytes of some TCP streams, put in order by their sequence numbers: 128 buffers of 16 KB. When all are in
 * use the one that was opened longest ago makes room. One gap is waited for; what comes behind a second one is lost.
 */
export class Streams {
  readonly #bytes = new Uint8Array(STREAMS * STREAM_BYTES)
  readonly #flows = new Int32Array(STREAMS).fill(NOBODY)
  readonly #kinds = new Uint8Array(STREAMS)
  /** Sequence number of byte 0. */
  readonly #bases = new Int32Array(STREAMS)
  readonly #filled = new Int32Array(STREAMS)
  /** Bytes behind a gap: [from, to). */
  readonly #from = new Int32Array(STREAMS)
  readonly #to = new Int32Array(STREAMS)
  #next = 0

  /** The flow whose stream makes room, or -1. Ask before `open`. */
  get displaced(): number {
    return this.#flows[this.#next] as number
  }

  /** A stream whose byte 0 has this sequence number. */
  open(flow: number, kind: number, sequence: number): number {
    const stream = this.#next
    this.#next = (stream + 1) % STREAMS
    this.#flows[stream] = flow
    this.#kinds[stream] = kind
    this.#bases[stream] = sequence
    this.#filled[stream] = 0
    this.#from[stream] = 0
    this.#to[stream] = 0
    return stream
  }

  close(stream: number): void {
    this.#flows[stream] = NOBODY
  }

  kind(stream: number): number {
    return this.#kinds[stream] as number
  }

  /** Bytes without a gap, from byte 0 on. */
  length(stream: number): number {
    return this.#filled[stream] as number
  }

  byte(stream: number, at: number): number {
    return this.#bytes[stream * STREAM_BYTES + at] as number
  }

  /** Takes the bytes [from, to) of a segment; false when there is no room for all of them. */
  // Five parameters: a segment without an object around it.
  add(stream: number, sequence: number, view: DataView, from: number, to: number): boolean {
    const offset = (sequence - (this.#bases[stream] as number)) | 0
    const skipped = Math.max(0, -offset)
    const start = Math.max(0, offset)
    const end = offset + to - from
    if (end <= (this.#filled[stream] as number)) return true
    if (end > STREAM_BYTES) return false
    if (!this.#claim(stream, start, end)) return true
    const bytes = this.#bytes
    const into = stream * STREAM_BYTES + start
    for (let at = from + skipped; at < to; at++) bytes[into + at - from - skipped] = view.getUint8(at)
    return true
  }

  /** Forgets the first `count` bytes. */
  drop(stream: number, count: number): void {
    const base = stream * STREAM_BYTES
    const kept = Math.max(this.#filled[stream] as number, this.#to[stream] as number)
    this.#bytes.copyWithin(base, base + count, base + kept)
    this.#bases[stream] = ((this.#bases[stream] as number) + count) | 0
    this.#filled[stream] = (this.#filled[stream] as number) - count
    if (this.#to[stream] === 0) return
    this.#from[stream] = (this.#from[stream] as number) - count
    this.#to[stream] = (this.#to[stream] as number) - count
  }

  /** Copies the bytes without a gap; answers how many. */
  copy(stream: number, into: Uint8Array): number {
    const length = this.#filled[stream] as number
    const base = stream * STREAM_BYTES
    for (let at = 0; at < length; at++) into[at] = this.#bytes[base + at] as number
    return length
  }

  /** Notes that [start, end) is there; false where it is behind a second gap. */
  #claim(stream: number, start: number, end: number): boolean {
    const filled = this.#filled[stream] as number
    if (start > filled) return this.#claimBehindGap(stream, start, end)
    this.#filled[stream] = Math.max(filled, end)
    const to = this.#to[stream] as number
    if (to === 0 || (this.#from[stream] as number) > end) return true
    this.#filled[stream] = Math.max(this.#filled[stream] as number, to)
    this.#from[stream] = 0
    this.#to[stream] = 0
    return true
  }

  #claimBehindGap(stream: number, start: number, end: number): boolean {
    const [from, to] = [this.#from[stream] as number, this.#to[stream] as number]
    if (to !== 0 && (start > to || end < from)) return false
    this.#from[stream] = to === 0 ? start : Math.min(from, start)
    this.#to[stream] = Math.max(to, end)
    return true
  }
}
