import { closeFd, mapReadOnly, mapShared, pageBytes, type SharedMapping } from '../libc.ts'
import { createMap, MAP } from './bpf.ts'

/** Header of a record: its length with two flags, then a number of the kernel's own (bpf_ringbuf_hdr). */
const RECORD_HEAD_BYTES = 8
const BUSY = 0x80000000
const DISCARDED = 0x40000000
const LENGTH_MASK = 0x3fffffff
/** Room is given back to the kernel after so many records, so that a long drain does not starve it. */
const GIVE_BACK_EVERY = 64

/** Calls with the bytes [start, start + length) of `view`: good until the call returns. */
export type RecordReader = (view: DataView, start: number, length: number) => void

/**
 * The reading end of a ring of eBPF events (Documentation/bpf/ringbuf.rst). The data area is mapped twice in a row by
 * the kernel, so a record never wraps.
 */
export class RingBuffer {
  readonly fd: number
  readonly #bytes: number
  readonly #consumer: SharedMapping
  readonly #producer: SharedMapping
  readonly #consumedTo: BigInt64Array
  readonly #producedTo: Int32Array
  readonly #heads: Int32Array
  readonly #view: DataView
  #at = 0

  /** `bytes`: a power of two, at least a page. Throws KernelError. */
  constructor(name: string, bytes: number) {
    this.#bytes = bytes
    const page = pageBytes()
    this.fd = createMap(name, { type: MAP.ring, keyBytes: 0, valueBytes: 0, entries: bytes })
    this.#consumer = mapShared(this.fd, page)
    this.#producer = mapReadOnly(this.fd, page + 2 * bytes, page)
    this.#consumedTo = new BigInt64Array(this.#consumer.buffer, 0, 1)
    this.#producedTo = new Int32Array(this.#producer.buffer, 0, 1)
    this.#heads = new Int32Array(this.#producer.buffer, page)
    this.#view = new DataView(this.#producer.buffer, page)
  }

  /** Reads what is there, oldest first; answers how many records. */
  drain(read: RecordReader): number {
    let records = 0
    try {
      while (this.#hasNext()) {
        const start = this.#at % this.#bytes
        const head = Atomics.load(this.#heads, start >> 2) >>> 0
        if (head >= BUSY) break
        const length = head & LENGTH_MASK
        if ((head & DISCARDED) === 0) read(this.#view, start + RECORD_HEAD_BYTES, length)
        this.#at += (length + RECORD_HEAD_BYTES + 7) & ~7
        if (++records % GIVE_BACK_EVERY === 0) this.#giveBack()
      }
    } finally {
      if (records > 0) this.#giveBack()
    }
    return records
  }

  close(): void {
    this.#consumer.release()
    this.#producer.release()
    closeFd(this.fd)
  }

  /** Positions count up for ever; less than 4 GB lie between the two, so the low words tell. */
  #hasNext(): boolean {
    return Atomics.load(this.#producedTo, 0) !== (this.#at | 0)
  }

  #giveBack(): void {
    Atomics.store(this.#consumedTo, 0, BigInt(this.#at))
  }
}
