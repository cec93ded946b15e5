import { closeFd } from '../libc.ts'
import { attachToTracepoint, createMap, loadProgram, lookUpElement, MAP, runProgram } from './bpf.ts'
import type { Btf } from './btf.ts'
import { DENIED, identityProgram, openFileOffsets } from './deny-programs.ts'
import { type RecordReader, RingBuffer } from './ring-buffer.ts'
import { kernelOffsets, startProgram } from './watch-programs.ts'

/** Some 200 program starts that nobody fetched yet: a sweep finds those that are lost. */
const RING_BYTES = 1 << 18

/** An executable as the kernel knows it: no other file will have all three, also when this one is gone. */
export interface ExecutableIdentity {
  /** Major number << 20 | minor number. */
  readonly device: number
  readonly inode: number
  readonly generation: number
}

/** Tells which programs start, and which executable a file is. */
export class ExecutableWatch {
  readonly #fds: number[] = []
  readonly #ring: RingBuffer
  readonly #answer: number
  readonly #identify: number
  #isClosed = false

  /** Throws BtfError, KernelError or ProgramRefused; then nothing stays behind. */
  constructor(btf: Btf) {
    const offsets = kernelOffsets(btf)
    this.#ring = new RingBuffer('gh_starts', RING_BYTES)
    try {
      this.#answer = this.#keep(
        createMap('gh_identity', { type: MAP.array, keyBytes: 4, valueBytes: DENIED.keyBytes, entries: 1 }),
      )
      const lost = this.#keep(
        createMap('gh_lost_starts', { type: MAP.array, keyBytes: 4, valueBytes: 8, entries: 1 }),
      )
      const identify = identityProgram(offsets, openFileOffsets(btf), this.#answer)
      this.#identify = this.#keep(loadProgram('gh_identity', 'rawTracepoint', identify))
      const starts = startProgram(offsets, { ring: this.#ring.fd, ringBytes: RING_BYTES, lost })
      const program = loadProgram('gh_starts', 'rawTracepoint', starts)
      try {
        this.#keep(attachToTracepoint(program, 'sched_process_exec'))
      } finally {
        closeFd(program)
      }
    } catch (refused) {
      this.close()
      throw refused
    }
  }

  /** Becomes readable when a program starts. */
  get fd(): number {
    return this.#ring.fd
  }

  /** Programs that started, as records of `EventView` of kind `exec`. */
  drain(read: RecordReader): number {
    return this.#ring.drain(read)
  }

  /** Of the file that this thread has open as `fd`; undefined when the kernel could not be read. About 10 µs. */
  identityOf(fd: number): ExecutableIdentity | undefined {
    const context = new BigUint64Array([BigInt(fd)])
    runProgram(this.#identify, new Uint8Array(context.buffer))
    const value = new Uint8Array(DENIED.keyBytes)
    lookUpElement(this.#answer, new Uint8Array(4), value)
    const view = new DataView(value.buffer)
    const inode = Number(view.getBigUint64(DENIED.inode, true))
    if (inode === 0) return undefined
    return {
      inode,
      device: view.getUint32(DENIED.device, true),
      generation: view.getUint32(DENIED.generation, true),
    }
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    for (const fd of this.#fds.reverse()) closeFd(fd)
    this.#ring.close()
  }

  #keep(fd: number): number {
    this.#fds.push(fd)
    return fd
  }
}

/** As the maps of executables have it. */
export function keyOf({ device, inode, generation }: ExecutableIdentity): Uint8Array {
  const key = new Uint8Array(DENIED.keyBytes)
  const view = new DataView(key.buffer)
  view.setBigUint64(DENIED.inode, BigInt(inode), true)
  view.setUint32(DENIED.device, device, true)
  view.setUint32(DENIED.generation, generation, true)
  return key
}
