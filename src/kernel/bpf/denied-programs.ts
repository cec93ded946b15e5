import { closeSync, constants, openSync } from 'node:fs'
import { closeFd, KernelError } from '../libc.ts'
import {
  attachToCgroup,
  attachToTracepoint,
  createMap,
  loadProgram,
  lookUpElement,
  MAP,
  removeElement,
  runProgram,
  setElement,
} from './bpf.ts'
import { type Btf, readKernelBtf } from './btf.ts'
import { CgroupRoot } from './cgroup-root.ts'
import { DENIED, denyPrograms, identityProgram, openFileOffsets } from './deny-programs.ts'
import { type RecordReader, RingBuffer } from './ring-buffer.ts'
import { kernelOffsets, startProgram } from './watch-programs.ts'

const MAX_DENIED = 4_096
/** Some 200 program starts that nobody fetched yet: a sweep finds those that are lost. */
const RING_BYTES = 1 << 18

/** An executable as the kernel knows it: no other file will have all three, also when this one is gone. */
export interface ExecutableIdentity {
  /** Major number << 20 | minor number. */
  readonly device: number
  readonly inode: number
  readonly generation: number
}

export interface DeniedProgramsOptions {
  readonly btf?: Btf
  /** Folder of the control group whose processes are judged; absent: the root, which is everybody. */
  readonly cgroup?: string
}

/**
 * Executables that may not open connections: their connect, sendto and bind fail with EPERM, whatever their pid. Nothing
 * is pinned: when this is closed or the process ends, in whatever way, all programs may connect again.
 */
export class DeniedPrograms {
  readonly #fds: number[] = []
  readonly #ring: RingBuffer
  readonly #denied: number
  readonly #answer: number
  readonly #identify: number
  #isClosed = false

  /** Takes some 100 ms. Throws BtfError, KernelError or ProgramRefused; then nothing stays behind. */
  constructor({ btf = readKernelBtf(), cgroup }: DeniedProgramsOptions = {}) {
    const offsets = kernelOffsets(btf)
    this.#ring = new RingBuffer('gh_starts', RING_BYTES)
    try {
      const { keyBytes, valueBytes } = DENIED
      this.#denied = this.#keep(
        createMap('gh_denied', { type: MAP.hash, keyBytes, valueBytes, entries: MAX_DENIED }),
      )
      this.#answer = this.#keep(
        createMap('gh_identity', { type: MAP.array, keyBytes: 4, valueBytes: keyBytes, entries: 1 }),
      )
      const lost = this.#keep(
        createMap('gh_lost_starts', { type: MAP.array, keyBytes: 4, valueBytes: 8, entries: 1 }),
      )
      const identify = identityProgram(offsets, openFileOffsets(btf), this.#answer)
      this.#identify = this.#keep(loadProgram('gh_identity', 'rawTracepoint', identify))
      const starts = startProgram(offsets, { ring: this.#ring.fd, ringBytes: RING_BYTES, lost })
      this.#attach(loadProgram('gh_starts', 'rawTracepoint', starts), (program) =>
        attachToTracepoint(program, 'sched_process_exec'),
      )
      this.#attachAll(denyPrograms(offsets, this.#denied), cgroup)
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
  drainStarts(read: RecordReader): number {
    return this.#ring.drain(read)
  }

  /** From now on; EPERM is what its next call gets. Throws KernelError when 4,096 are denied already. */
  deny(identity: ExecutableIdentity): void {
    const key = keyOf(identity)
    // Its count of refusals stays when it is denied already.
    if (!lookUpElement(this.#denied, key, new Uint8Array(DENIED.valueBytes)))
      setElement(this.#denied, key, new Uint8Array(DENIED.valueBytes))
  }

  /** False when it was not denied. */
  allow(identity: ExecutableIdentity): boolean {
    return removeElement(this.#denied, keyOf(identity))
  }

  /** Calls that were refused since it was denied; undefined when it is not. */
  refusals(identity: ExecutableIdentity): number | undefined {
    const value = new Uint8Array(DENIED.valueBytes)
    if (!lookUpElement(this.#denied, keyOf(identity), value)) return undefined
    return Number(new DataView(value.buffer).getBigUint64(0, true))
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    for (const fd of this.#fds.reverse()) closeFd(fd)
    this.#ring.close()
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

  #attachAll(programs: ReturnType<typeof denyPrograms>, cgroup: string | undefined): void {
    const group = openGroup(cgroup)
    try {
      for (const { name, hook, instructions } of programs) {
        this.#attach(loadProgram(name, hook, instructions), (program) =>
          attachToCgroup(program, group.fd, hook),
        )
      }
    } finally {
      group.close()
    }
  }

  #attach(program: number, attach: (program: number) => number): void {
    try {
      this.#keep(attach(program))
    } finally {
      closeFd(program)
    }
  }

  #keep(fd: number): number {
    this.#fds.push(fd)
    return fd
  }
}

/** The root, or the folder of a group. Throws KernelError. */
export function openGroup(cgroup: string | undefined): { readonly fd: number; close(): void } {
  if (cgroup === undefined) return new CgroupRoot()
  try {
    const fd = openSync(cgroup, constants.O_RDONLY | constants.O_DIRECTORY)
    return { fd, close: () => closeSync(fd) }
  } catch (failed) {
    throw new KernelError(cgroup, -((failed as NodeJS.ErrnoException).errno ?? -1))
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
