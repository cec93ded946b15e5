import { closeFd } from '../libc.ts'
import {
  attachToCgroup,
  attachToTracepoint,
  attachTyped,
  createMap,
  loadProgram,
  lookUpElement,
  MAP,
} from './bpf.ts'
import { type Btf, readKernelBtf } from './btf.ts'
import { CgroupRoot } from './cgroup-root.ts'
import { type RecordReader, RingBuffer } from './ring-buffer.ts'
import { kernelOffsets, type WatchProgram, watchPrograms } from './watch-programs.ts'

/** About 2,000 programs started or 16,000 connections that nobody fetched yet. */
const RING_BYTES = 1 << 21
const SENDERS = 16_384

export interface SocketWatchOptions {
  readonly btf?: Btf
  /** Room for events that nobody fetched yet: a power of two, at least a page. */
  readonly ringBytes?: number
}

/**
 * Sees every connect(2), first sendto(2), listen(2), program start and end of the machine, by eBPF programs at the root
 * of the control groups. They only look. All is gone when this is closed, or when the process ends in whatever way.
 */
export class SocketWatch {
  readonly cgroups: CgroupRoot
  readonly #ring: RingBuffer
  readonly #fds: number[] = []
  readonly #lost: number
  readonly #lostKey = new Uint8Array(4)
  readonly #lostValue = new BigUint64Array(1)
  #isClosed = false

  /** Takes 50 to 100 ms. Throws BtfError, KernelError or ProgramRefused; then nothing stays behind. */
  constructor({ btf = readKernelBtf(), ringBytes = RING_BYTES }: SocketWatchOptions = {}) {
    const offsets = kernelOffsets(btf)
    this.cgroups = new CgroupRoot()
    try {
      this.#ring = new RingBuffer('gh_events', ringBytes)
    } catch (refused) {
      this.cgroups.close()
      throw refused
    }
    try {
      const senders = this.#keep(
        createMap('gh_senders', { type: MAP.lruHash, keyBytes: 8, valueBytes: 8, entries: SENDERS }),
      )
      this.#lost = this.#keep(
        createMap('gh_lost', { type: MAP.array, keyBytes: 4, valueBytes: 8, entries: 1 }),
      )
      const maps = { ring: this.#ring.fd, ringBytes, senders, lost: this.#lost }
      for (const program of watchPrograms(offsets, maps)) this.#attach(program, btf)
    } catch (refused) {
      this.close()
      throw refused
    }
  }

  /** Becomes readable when the ring is half full. */
  get fd(): number {
    return this.#ring.fd
  }

  /** Events that found the ring full, since the start. */
  get lost(): number {
    lookUpElement(this.#lost, this.#lostKey, new Uint8Array(this.#lostValue.buffer))
    return Number(this.#lostValue[0])
  }

  drain(read: RecordReader): number {
    return this.#ring.drain(read)
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    for (const fd of this.#fds.reverse()) closeFd(fd)
    this.#ring.close()
    this.cgroups.close()
  }

  #attach({ name, hook, tracepoint, instructions }: WatchProgram, btf: Btf): void {
    const isTyped = hook === 'typedTracepoint' && tracepoint !== undefined
    const program = loadProgram(name, hook, instructions, isTyped ? btf.tracepoint(tracepoint) : 0)
    try {
      if (isTyped) this.#keep(attachTyped(program))
      else if (tracepoint !== undefined) this.#keep(attachToTracepoint(program, tracepoint))
      else this.#keep(attachToCgroup(program, this.cgroups.fd, hook))
    } finally {
      closeFd(program)
    }
  }

  #keep(fd: number): number {
    this.#fds.push(fd)
    return fd
  }
}
