import { mkdirSync, statfsSync } from 'node:fs'
import koffi from 'koffi'
import { KernelError } from '../libc.ts'

const cMount = koffi
  .load('libc.so.6')
  .func(
    'int mount(const char *source, const char *target, const char *kind, unsigned long flags, void *options)',
  )
/** BPF_FS_MAGIC (linux/magic.h). */
const BPF_FILE_SYSTEM = 0xcafe4a11

/** Makes sure that what is pinned in this folder stays: mounts a bpf file system where there is none. Throws KernelError. */
export function demandPinFolder(folder: string): void {
  if (isPinFolder(folder)) return
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  if (cMount('bpf', folder, 'bpf', 0, null) !== 0)
    throw new KernelError(`mount bpf at ${folder}`, koffi.errno())
}

function isPinFolder(folder: string): boolean {
  try {
    return Number(statfsSync(folder).type) >>> 0 === BPF_FILE_SYSTEM
  } catch {
    return false
  }
}
