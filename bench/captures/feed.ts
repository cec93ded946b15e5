import { closeSync, openSync, readSync } from 'node:fs'
import { createFramesAhead, type FrameSink, MOST_FRAMES_AHEAD } from '#capture/source.ts'

const FILE_HEADER = 24
const RECORD_HEADER = 16
const PIECE_BYTES = 1 << 18

/** Reads a generated capture piece by piece; each piece holds whole records, which `feed` hands to an engine. */
export class Pieces {
  readonly view: DataView
  readonly #bytes: Uint8Array
  readonly #file: number
  readonly #ahead = createFramesAhead()
  /** Bytes of the piece, and of these how many are whole records: the rest opens the next piece. */
  #have = 0
  #whole = 0

  constructor(path: string, pieceBytes: number) {
    this.#bytes = new Uint8Array(pieceBytes)
    this.view = new DataView(this.#bytes.buffer)
    this.#file = openSync(path, 'r')
    readSync(this.#file, this.#bytes, 0, FILE_HEADER, null)
  }

  /** False at the end of the file. */
  next(): boolean {
    this.#bytes.copyWithin(0, this.#whole, this.#have)
    const rest = this.#have - this.#whole
    const got = readSync(this.#file, this.#bytes, rest, this.#bytes.length - rest, null)
    this.#have = rest + got
    this.#whole = 0
    return got > 0
  }

  /** Hands every whole record of the piece to `sink`; answers how many. May be called again, with another. */
  feed(sink: FrameSink): number {
    const view = this.view
    let packets = 0
    let told = 0
    let at = 0
    while (at + RECORD_HEADER <= this.#have) {
      const captured = view.getUint32(at + 8, true)
      if (at + RECORD_HEADER + captured > this.#have) break
      if (told === 0) told = this.#tellAhead(sink, at)
      told--
      const ms = view.getUint32(at, true) * 1000 + view.getUint32(at + 4, true) / 1000
      sink.frame(view, at + RECORD_HEADER, captured, view.getUint32(at + 12, true), ms, 1, 0, 0)
      at += RECORD_HEADER + captured
      packets++
    }
    this.#whole = at
    return packets
  }

  #tellAhead(sink: FrameSink, start: number): number {
    const ahead = this.#ahead
    ahead.count = 0
    for (let at = start; ahead.count < MOST_FRAMES_AHEAD && at + RECORD_HEADER <= this.#have; ) {
      const captured = this.view.getUint32(at + 8, true)
      if (at + RECORD_HEADER + captured > this.#have) break
      ahead.offsets[ahead.count] = at + RECORD_HEADER
      ahead.captured[ahead.count] = captured
      ahead.count++
      at += RECORD_HEADER + captured
    }
    sink.ahead?.(this.view, ahead, 1)
    return ahead.count
  }

  close(): void {
    closeSync(this.#file)
  }
}

/** Reads a capture piece by piece, as a source does, and hands its frames to `sink`; answers how many. */
export function feedFile(file: string, sink: FrameSink): number {
  const pieces = new Pieces(file, PIECE_BYTES)
  let packets = 0
  while (pieces.next()) packets += pieces.feed(sink)
  pieces.close()
  return packets
}
