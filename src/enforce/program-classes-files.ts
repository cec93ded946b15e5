import { closeSync, readlinkSync, statSync } from 'node:fs'
import type { ExecutableIdentity } from '#kernel/bpf/executable-watch.ts'
import { RecentMap } from '#lib/recent-map.ts'
import { linkedPath, type OpenProgram, openProgram, ProgramHashes } from './programs-files.ts'

/** An executable that was seen, and what is known of it so far. */
export interface KnownExecutable {
  readonly identity: ExecutableIdentity
  /** As stat(2) has them. */
  readonly device: number
  readonly inode: number
  /** All by which it is reached in our own file system; none when it is only there for containers. */
  paths: readonly string[]
  sha256?: string
}

export interface KnownExecutablesOptions {
  readonly identityOf: (fd: number) => ExecutableIdentity | undefined
  /** Whether anything asks for hashes. */
  readonly asksForHash: () => boolean
  /** Something is known that was not before. */
  readonly learned: (executable: KnownExecutable) => void
}

const MAX_SEEN = 16_384
const MAX_KNOWN = 16_384
const MAX_PATHS = 8

/** The executables that run or may run, by what the kernel calls them. */
export class KnownExecutables {
  readonly #options: KnownExecutablesOptions
  readonly #hashes = new ProgramHashes()
  readonly #known = new Map<string, KnownExecutable>()
  /** By the file as it was seen: nothing is read twice. */
  readonly #seen = new RecentMap<string, KnownExecutable>(MAX_SEEN)
  /** Keys of those that are being read: not twice. */
  readonly #hashing = new Set<string>()
  #mounts: string | undefined

  constructor(options: KnownExecutablesOptions) {
    this.#options = options
  }

  /**
   * What is at a path, or runs: `/proc/PID/exe`. Undefined when nothing that can be opened is there. Where hashes are asked
   * for, the file is read in the background; `without hash`: when it is looked at again.
   */
  look(at: string, how?: 'without hash'): KnownExecutable | undefined {
    const path = linkedPath(at)
    const key = seenKey(at, path)
    if (key === undefined) return undefined
    const seen = this.#seen.get(key)
    if (seen && (this.#isComplete(seen) || this.#hashing.has(key))) return seen
    const file = openProgram(at, path)
    if (!file) return undefined
    const executable = this.#learn(file, this.#isOurs(at, file) ? path : undefined)
    if (!executable || how === 'without hash' || !this.#needsHash(executable, file)) {
      closeSync(file.fd)
      if (executable) this.#seen.set(key, executable)
      return executable
    }
    void this.#hash(executable, file, key)
    return executable
  }

  /** Tells of each again: other things are asked for. What is not known yet is looked for when it is next seen. */
  tellAll(): void {
    this.#seen.clear()
    for (const executable of this.#known.values()) {
      executable.paths = executable.paths.filter((path) => leadsTo(path, executable))
      this.#options.learned(executable)
    }
  }

  #isComplete({ sha256 }: KnownExecutable): boolean {
    return sha256 !== undefined || !this.#options.asksForHash()
  }

  #learn(file: OpenProgram, path: string | undefined): KnownExecutable | undefined {
    const identity = this.#options.identityOf(file.fd)
    if (!identity) return undefined
    const { device, inode } = file
    const key = `${identity.device} ${identity.inode} ${identity.generation}`
    const known = this.#known.get(key)
    const executable: KnownExecutable = known ?? { identity, device, inode, paths: [] }
    const paths = [
      ...(path === undefined ? [] : [path]),
      ...executable.paths.filter((other) => other !== path && leadsTo(other, file)),
    ].slice(0, MAX_PATHS)
    const sha256 = this.#hashes.known(file)
    const isSame = paths.join('\n') === executable.paths.join('\n') && executable.sha256 === sha256
    const isNews = !known || !isSame
    executable.paths = paths
    if (sha256 === undefined) delete executable.sha256
    else executable.sha256 = sha256
    if (!known) this.#keep(key, executable)
    if (isNews) this.#options.learned(executable)
    return executable
  }

  #keep(key: string, executable: KnownExecutable): void {
    const [oldest] = this.#known.keys()
    if (this.#known.size >= MAX_KNOWN && oldest !== undefined) this.#known.delete(oldest)
    this.#known.set(key, executable)
  }

  #needsHash({ sha256 }: KnownExecutable, { bytes }: OpenProgram): boolean {
    return sha256 === undefined && bytes > 0 && this.#options.asksForHash()
  }

  async #hash(executable: KnownExecutable, file: OpenProgram, key: string): Promise<void> {
    this.#seen.set(key, executable)
    this.#hashing.add(key)
    try {
      const sha256 = await this.#hashes.hash(file)
      if (sha256 === undefined) this.#seen.delete(key)
      else {
        executable.sha256 = sha256
        this.#options.learned(executable)
      }
    } catch {
      // It cannot be read: a hash is asked for again when it is next seen.
      this.#seen.delete(key)
    } finally {
      this.#hashing.delete(key)
      closeSync(file.fd)
    }
  }

  /**
   * Whether its path is one of our own file system. Anybody can make a mount namespace in which his program lies at
   * /usr/bin/curl: there the path counts only if it leads to the same file here.
   */
  #isOurs(at: string, file: OpenProgram): boolean {
    const [, process] = /^(\/proc\/\d+)\/exe$/.exec(at) ?? []
    if (process === undefined) return true
    this.#mounts ??= linkOf('/proc/self/ns/mnt')
    const isSameNamespace = this.#mounts !== undefined && linkOf(`${process}/ns/mnt`) === this.#mounts
    return isSameNamespace || leadsTo(file.path, file)
  }
}

interface SameFile {
  readonly device: number
  readonly inode: number
}

function leadsTo(path: string, { device, inode }: SameFile): boolean {
  try {
    const { dev, ino } = statSync(path)
    return dev === device && ino === inode
  } catch {
    return false
  }
}

function linkOf(path: string): string | undefined {
  try {
    return readlinkSync(path)
  } catch {
    return undefined
  }
}

function seenKey(at: string, path: string): string | undefined {
  try {
    const { dev, ino, size, mtimeMs } = statSync(at)
    return `${dev} ${ino} ${size} ${mtimeMs} ${path}`
  } catch {
    // A kernel thread, gone, or never there.
    return undefined
  }
}
