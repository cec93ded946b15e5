import { readlinkSync, realpathSync, statSync } from 'node:fs'
import { basename, isAbsolute, join } from 'node:path'
import { RecentMap } from '#lib/recent-map.ts'
import { type Executable, readExecutable } from './process.ts'

/** A file as the kernel names it. `device` is major << 20 | minor, as eBPF sees it. */
export interface FileIdentity {
  readonly device: number
  readonly inode: number
  readonly generation: number
}

/** What execve(2) was given, and what the kernel made of it. */
export interface ExecutedFile {
  readonly pid: number
  readonly parentPid: number
  readonly identity: FileIdentity
  readonly filename: string
  readonly interpreter: string
  readonly lastPart: string
}

const MAX_PATHS = 8_192

/**
 * Paths of executables by their identity: for processes that are over before anybody could look. What the kernel said
 * at exec is checked against the file that is there now.
 */
export class ExecutablePaths {
  readonly #proc: string
  /** By identity alone, the last path; and by identity and the name given to execve: hard links share the first. */
  readonly #paths = new RecentMap<string, string>(MAX_PATHS)

  constructor(proc = '/proc') {
    this.#proc = proc
  }

  known(identity: FileIdentity): string | undefined {
    return this.#paths.get(textOf(identity))
  }

  /** Remembers what /proc says of a live process. */
  note(identity: FileIdentity, path: string): void {
    this.#paths.set(textOf(identity), path)
  }

  /** The path of a program that has just been started; the process may have ended since. */
  executed(file: ExecutedFile): Executable {
    const key = `${textOf(file.identity)} ${file.filename}`
    const known = isAbsolute(file.filename) ? this.#paths.get(key) : undefined
    if (known !== undefined) return { state: 'there', path: known }
    const executable = this.#fromProc(file) ?? this.#fromName(file)
    if (executable.state === 'there') {
      this.#paths.set(key, executable.path)
      this.note(file.identity, executable.path)
    }
    return executable
  }

  /** The link of a live process, if it still runs that program: it may have gone on to another. */
  #fromProc(file: ExecutedFile): Executable | undefined {
    const executable = readExecutable(`${this.#proc}/${file.pid}/exe`)
    if (executable.state === 'unreadable') return undefined
    if (basename(executable.path) === file.lastPart) return executable
    return isSameFile(`${this.#proc}/${file.pid}/exe`, file.identity) ? executable : undefined
  }

  /** Without the process: the name it was started by, else its interpreter, else what the kernel calls the file. */
  #fromName(file: ExecutedFile): Executable {
    const names = [file.filename, file.interpreter].map((name) => this.#absolute(name, file.parentPid))
    for (const name of names) {
      if (isSameFile(name, file.identity)) return { state: 'there', path: realpathSync(name) }
    }
    const alike = names.find((name) => isAbsolute(name) && basename(name) === file.lastPart)
    return { state: 'there', path: alike ?? (file.lastPart || file.filename) }
  }

  #absolute(name: string, parentPid: number): string {
    if (name === '' || isAbsolute(name)) return name
    try {
      return join(readlinkSync(`${this.#proc}/${parentPid}/cwd`), name)
    } catch {
      return name
    }
  }
}

/** The kernel's own number of a device that stat(2) encodes for user space (new_encode_dev in linux/kdev_t.h). */
export const kernelDevice = (device: number): number => {
  const major = Math.floor(device / 256) & 0xfff
  const minor = (device & 0xff) | (Math.floor(device / 4096) & 0xfff00)
  return major * 2 ** 20 + minor
}

function isSameFile(path: string, { device, inode }: FileIdentity): boolean {
  if (!isAbsolute(path)) return false
  try {
    const status = statSync(path)
    return status.ino === inode && kernelDevice(status.dev) === device
  } catch {
    return false
  }
}

const textOf = ({ device, inode, generation }: FileIdentity): string => `${device} ${inode} ${generation}`
