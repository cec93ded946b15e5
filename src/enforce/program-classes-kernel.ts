import { dirname } from 'node:path'
import { ProgramRefused } from '#kernel/bpf/bpf.ts'
import { BtfError, readKernelBtf } from '#kernel/bpf/btf.ts'
import { CgroupRoot } from '#kernel/bpf/cgroup-root.ts'
import { ClassHooks, ClassTables } from '#kernel/bpf/class-marks.ts'
import { ExecutableWatch } from '#kernel/bpf/executable-watch.ts'
import { demandPinFolder } from '#kernel/bpf/pins.ts'
import type { RecordReader } from '#kernel/bpf/ring-buffer.ts'
import { KernelError, watchReadable } from '#kernel/libc.ts'
import { type KnownExecutable, KnownExecutables } from './program-classes-files.ts'

/** The kernel, or our privilege, does not allow it. */
export class ClassesUnavailable extends Error {
  override readonly name = 'ClassesUnavailable'
  readonly remedy = 'Start Gatehouse as root, on a kernel of 5.15 or later with BTF and control groups v2.'
}

export interface ClassKernelOptions {
  /** Bits of a socket's mark that are ours. */
  readonly mask: number
  /** A program that nobody has seen yet gets EPERM until it was looked at. */
  readonly isStrict: boolean
  /** Sockets with a mark of others keep our bits clear. */
  readonly yields: boolean
  /** Folder in a bpf file system, for what marks sockets without us. */
  readonly pins: string
  /** It does when this process dies, in whatever way; else only where it is stopped to keep the rules. */
  readonly outlives: boolean
  /** Folder of the control group whose programs are marked; absent: the root, which is everybody. */
  readonly cgroup?: string
}

/** All that is open towards the kernel while rules ask for programs. */
export interface ClassKernel {
  readonly hooks: ClassHooks
  readonly files: KnownExecutables
  readonly root: CgroupRoot
  /** Loads the programs once, in vain: only so is it known whether this kernel takes them. Throws ClassesUnavailable. */
  rehearse(): void
  /** `keep`: sockets are marked without us. Throws KernelError where that cannot be; all is closed then too. */
  close(keep: boolean): void
}

export interface ClassKernelTells {
  readonly asksForHash: () => boolean
  readonly learned: (executable: KnownExecutable) => void
  /** A program started: a record of `EventView`. */
  readonly started: RecordReader
}

/** Takes some 100 ms. Throws ClassesUnavailable; then nothing stays behind. */
export function openClassKernel(
  { mask, isStrict, yields, cgroup, pins, outlives }: ClassKernelOptions,
  { asksForHash, learned, started }: ClassKernelTells,
): ClassKernel {
  const closing: { close(): void }[] = []
  const kept = <Part extends { close(): void }>(part: Part): Part => {
    closing.unshift(part)
    return part
  }
  try {
    const btf = readKernelBtf()
    const root = kept(new CgroupRoot())
    const watch = kept(new ExecutableWatch(btf))
    if (outlives) demandPinFolder(dirname(pins))
    const hooks = new ClassHooks({
      btf,
      mask,
      isStrict,
      yields,
      pins,
      outlives,
      ...(cgroup !== undefined && { cgroup }),
    })
    const files = new KnownExecutables({ identityOf: (fd) => watch.identityOf(fd), asksForHash, learned })
    kept(watchReadable(watch.fd, () => watch.drain(started)))
    return {
      hooks,
      files,
      root,
      rehearse: () => rehearse(hooks),
      close(keep) {
        try {
          hooks.close(keep)
        } finally {
          for (const part of closing) part.close()
        }
      },
    }
  } catch (refused) {
    for (const part of closing) part.close()
    throw unavailable(refused)
  }
}

function rehearse(hooks: ClassHooks): void {
  const tables = new ClassTables(true)
  try {
    hooks.rehearse(tables)
  } catch (refused) {
    throw unavailable(refused)
  } finally {
    tables.close()
  }
}

/** What the kernel refused, said for people; anything else is thrown on. */
export function unavailable(refused: unknown): ClassesUnavailable {
  const isKnown =
    refused instanceof KernelError || refused instanceof BtfError || refused instanceof ProgramRefused
  if (!isKnown) throw refused
  return new ClassesUnavailable(refused.message, { cause: refused })
}
