import { closeSync, constants, openSync } from 'node:fs'
import { closeFd, KernelError } from '../libc.ts'
import {
  attachToCgroup,
  createMap,
  loadProgram,
  lookUpElement,
  MAP,
  removeElement,
  setElement,
} from './bpf.ts'
import { type Btf, readKernelBtf } from './btf.ts'
import { CgroupRoot } from './cgroup-root.ts'
import { DENIED, denyPrograms } from './deny-programs.ts'
import { type ExecutableIdentity, ExecutableWatch, keyOf } from './executable-watch.ts'
import type { RecordReader } from './ring-buffer.ts'
import { kernelOffsets } from './watch-programs.ts'

const MAX_DENIED = 4_096

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
  readonly #starts: ExecutableWatch
  readonly #denied: number
  #isClosed = false

  /** Takes some 100 ms. Throws BtfError, KernelError or ProgramRefused; then nothing stays behind. */
  constructor({ btf = readKernelBtf(), cgroup }: DeniedProgramsOptions = {}) {
    const offsets = kernelOffsets(btf)
    this.#starts = new ExecutableWatch(btf)
    try {
      const { keyBytes, valueBytes } = DENIED
      this.#denied = this.#keep(
        createMap('gh_denied', { type: MAP.hash, keyBytes, valueBytes, entries: MAX_DENIED }),
      )
      this.#attachAll(denyPrograms(offsets, this.#denied), cgroup)
    } catch (refused) {
      this.close()
      throw refused
    }
  }

  /** Becomes readable when a program starts. */
  get fd(): number {
    return this.#starts.fd
  }

  /** Programs that started, as records of `EventView` of kind `exec`. */
  drainStarts(read: RecordReader): number {
    return this.#starts.drain(read)
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
    this.#starts.close()
  }

  /** Of the file that this thread has open as `fd`; undefined when the kernel could not be read. About 10 µs. */
  identityOf(fd: number): ExecutableIdentity | undefined {
    return this.#starts.identityOf(fd)
  }

  #attachAll(programs: ReturnType<typeof denyPrograms>, cgroup: string | undefined): void {
    const group = openGroup(cgroup)
    try {
      for (const { name, hook, instructions } of programs) {
        const program = loadProgram(name, hook, instructions)
        try {
          this.#keep(attachToCgroup(program, group.fd, hook))
        } finally {
          closeFd(program)
        }
      }
    } finally {
      group.close()
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
