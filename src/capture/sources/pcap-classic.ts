/** Hot: runs per packet. Allocates nothing. */

import {
  type CapturedInterface,
  createFramesAhead,
  type FrameSink,
  MOST_FRAMES_AHEAD,
} from '#capture/source.ts'
import {
  type CaptureFormat,
  canonicalLinkType,
  MAX_FRAME_BYTES,
  plausibleTime,
  requireLinkType,
} from './capture-format.ts'

const FILE_HEADER_BYTES = 24
const RECORD_HEADER_BYTES = 16

/** The upper bits of the link type field tell about frame check sequences (draft-ietf-opsawg-pcap). */
const LINK_TYPE_BITS = 0x03ff_ffff

const MICROSECONDS = 0xa1b2c3d4
const NANOSECONDS = 0xa1b23c4d

/** True when the four bytes at `at` open a pcap file, of either byte order and resolution. */
export function opensPcap(view: DataView, at: number): boolean {
  return isMagic(view.getUint32(at, true)) || isMagic(view.getUint32(at, false))
}

const isMagic = (value: number): boolean => value === MICROSECONDS || value === NANOSECONDS

/** The format of tcpdump -w: one interface, a time and two lengths before each frame. */
export class PcapClassic implements CaptureFormat {
  readonly interfaces: CapturedInterface[] = []
  packets = 0
  damage: string | undefined
  readonly #path: string
  readonly #sink: FrameSink
  readonly #ahead = createFramesAhead()
  #opened = false
  #littleEndian = true
  #fractionsPerMs = 1_000
  #linkType = 0

  constructor(path: string, sink: FrameSink) {
    this.#path = path
    this.#sink = sink
  }

  consume(view: DataView, start: number, end: number): number {
    let at = start
    if (!this.#opened) {
      if (end - at < FILE_HEADER_BYTES) return at
      this.#open(view, at)
      at += FILE_HEADER_BYTES
    }
    const littleEndian = this.#littleEndian
    let told = 0
    while (end - at >= RECORD_HEADER_BYTES) {
      const captured = view.getUint32(at + 8, littleEndian)
      if (captured > MAX_FRAME_BYTES) {
        this.damage = `packet ${this.packets + 1} claims ${captured} bytes, more than the ${MAX_FRAME_BYTES} that a capture can hold`
        return at
      }
      const frame = at + RECORD_HEADER_BYTES
      if (captured > end - frame) return at
      const milliseconds =
        view.getUint32(at, littleEndian) * 1_000 + view.getUint32(at + 4, littleEndian) / this.#fractionsPerMs
      const length = Math.max(captured, view.getUint32(at + 12, littleEndian))
      this.packets++
      if (told === 0) told = this.#tellAhead(view, at, end)
      told--
      this.#sink.frame(view, frame, captured, length, plausibleTime(milliseconds), this.#linkType, 0, 0)
      at = frame + captured
    }
    return at
  }

  /** Tells of the whole records from `at` on, of which there is one at least; answers how many. */
  #tellAhead(view: DataView, start: number, end: number): number {
    const ahead = this.#ahead
    ahead.count = 0
    for (let at = start; ahead.count < MOST_FRAMES_AHEAD && end - at >= RECORD_HEADER_BYTES; ) {
      const captured = view.getUint32(at + 8, this.#littleEndian)
      const frame = at + RECORD_HEADER_BYTES
      if (captured > end - frame) break
      ahead.offsets[ahead.count] = frame
      ahead.captured[ahead.count] = captured
      ahead.count++
      at = frame + captured
    }
    this.#sink.ahead?.(view, ahead, this.#linkType)
    return ahead.count
  }

  #open(view: DataView, at: number): void {
    this.#littleEndian = isMagic(view.getUint32(at, true))
    const isNanoseconds = view.getUint32(at, this.#littleEndian) === NANOSECONDS
    this.#fractionsPerMs = isNanoseconds ? 1_000_000 : 1_000
    const linkType = view.getUint32(at + 20, this.#littleEndian) & LINK_TYPE_BITS
    requireLinkType(this.#path, linkType)
    this.#linkType = canonicalLinkType(linkType)
    this.interfaces.push({ name: 'if0', linkType: this.#linkType })
    this.#opened = true
  }
}
