import { constants } from 'node:fs'
import { type FileHandle, open, readFile } from 'node:fs/promises'
import { RecentMap } from '#lib/recent-map.ts'
import type { Owner } from '#model/owner.ts'
import { type Digests, digest } from './digest.ts'
import { Dpkg } from './dpkg.ts'
import type { PackageAnswer, PackageList } from './package-answer.ts'
import { Rpm, type RunProgram } from './rpm.ts'

/** A file for as long as nobody changes it. */
export interface ProgramFile {
  readonly device: number
  readonly inode: number
  readonly bytes: number
  /** Milliseconds since the epoch. */
  readonly modifiedAt: number
}

/** What can be said of a program beyond its owner; what cannot be said is absent, and `because` has the reason. */
export interface ProgramDescription {
  readonly path: string
  readonly file?: ProgramFile
  readonly sha256?: string
  readonly hashes?: Digests
  /** Why there is no `file` or no `sha256`. */
  readonly because?: string
  readonly package: PackageAnswer
}

export interface Programs {
  /**
   * Describes the program behind an owner: the very file that runs, while it runs, even when it was replaced on disk
   * since; else the file at its path. Never rejects. Takes seconds for large files: they are read slowly. Equal files
   * are read once.
   */
  describeProgram(owner: Owner): Promise<ProgramDescription>
}

export interface ProgramsOptions {
  /** How rpm is asked; without it, RPM packages are not known. */
  readonly run?: RunProgram
  /** Milliseconds, monotonic. */
  readonly clock: () => number
  /** Of all hashing together. */
  readonly bytesPerSecond?: number
  readonly proc?: string
  readonly packages?: readonly PackageList[]
}

interface Facts {
  readonly digests: Digests
  readonly package: PackageAnswer
}

const BYTES_PER_SECOND = 64 << 20
const MAX_KNOWN = 4_096
const MAX_WAITING = 256
const MAX_BYTES = 2 ** 32
/** Start times are known to a clock tick of 10 ms, the boot time to a second. */
const SAME_START_MS = 1_000
const TICK_MS = 10

/** Who programs are, on demand, one after the other, and kept while their files stay as they are. */
export function createPrograms(options: ProgramsOptions): Programs {
  const { clock, run, bytesPerSecond = BYTES_PER_SECOND, proc = '/proc' } = options
  const packages = options.packages ?? [new Dpkg(), ...(run ? [new Rpm(run)] : [])]
  const known = new RecentMap<string, Promise<Facts>>(MAX_KNOWN)
  let waiting = 0
  let last: Promise<unknown> = Promise.resolve()

  /** One at a time: a page full of programs must not read the disk from end to end at once. */
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (waiting >= MAX_WAITING)
      return Promise.reject(new Error('too many programs are being described: try again'))
    waiting++
    const turn = last.then(work).finally(() => waiting--)
    last = turn.catch(() => undefined)
    return turn
  }

  async function describe(owner: Owner, file: FileHandle): Promise<ProgramDescription> {
    const identity = await identityOf(file)
    if ('because' in identity) return unknown(owner, identity.because)
    const key = `${identity.device} ${identity.inode} ${identity.bytes} ${identity.modifiedAt} ${owner.path}`
    let facts = known.get(key)
    if (!facts) {
      facts = learn(owner, { file, identity })
      known.set(key, facts)
      facts.catch(() => known.delete(key))
    }
    const { digests, package: of } = await facts
    return { path: owner.path, file: identity, sha256: digests.sha256, hashes: digests, package: of }
  }

  async function learn(
    owner: Owner,
    { file, identity }: { readonly file: FileHandle; readonly identity: ProgramFile },
  ): Promise<Facts> {
    const digests = await digest(file, { bytesPerSecond, clock })
    const { size, mtimeMs } = await file.stat()
    if (size !== identity.bytes || mtimeMs !== identity.modifiedAt) {
      throw new Error('its file changed while it was read: try again')
    }
    return { digests, package: await packageOf(owner, digests) }
  }

  async function packageOf(owner: Owner, digests: Digests): Promise<PackageAnswer> {
    if (owner.container) {
      return { state: 'unknown', because: 'it runs in a container, whose packages are not looked up' }
    }
    let answer: PackageAnswer | undefined
    for (const list of packages) {
      const found = await list.ownerOf(owner.path, digests)
      if (found?.state === 'owned') return found
      answer ??= found
    }
    return answer ?? { state: 'unknown', because: 'no list of packages that we can read (dpkg, rpm) is here' }
  }

  return {
    async describeProgram(owner) {
      try {
        return await inTurn(async () => {
          const file = await openProgram(owner, proc)
          if ('because' in file) return unknown(owner, file.because)
          try {
            return await describe(owner, file)
          } finally {
            await file.close()
          }
        })
      } catch (failed) {
        return unknown(owner, (failed as Error).message)
      }
    },
  }
}

const unknown = (owner: Owner, because: string): ProgramDescription => ({
  path: owner.path,
  because,
  package: { state: 'unknown', because },
})

async function openProgram(owner: Owner, proc: string): Promise<FileHandle | { readonly because: string }> {
  if (owner.source === 'kernel') return { because: 'it is the kernel itself' }
  if (owner.pid !== 0 && (await isStillRunning(owner, proc))) {
    const running = await openOr(`${proc}/${owner.pid}/exe`)
    if (running) return running
  }
  if (!owner.path.startsWith('/')) return { because: owner.unreadableBecause ?? 'its path is not known' }
  if (owner.container) return { because: 'its container is gone, and its file with it' }
  if (owner.executableGone) return { because: 'its file was removed or replaced, and it runs no more' }
  return (await openOr(owner.path)) ?? { because: 'its file cannot be read: it is gone, or not ours to read' }
}

/** Not another process with its pid. */
async function isStillRunning({ pid, startedAt }: Owner, proc: string): Promise<boolean> {
  if (startedAt === undefined) return false
  try {
    const stat = await readFile(`${proc}/${pid}/stat`, 'utf8')
    const boot = /^btime (\d+)$/m.exec(await readFile(`${proc}/stat`, 'utf8'))?.[1]
    const ticks = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19])
    return Math.abs(Number(boot) * 1_000 + ticks * TICK_MS - startedAt) < SAME_START_MS
  } catch {
    return false
  }
}

/** Without waiting: what is at the path may be a pipe by now. */
async function openOr(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
  } catch {
    return undefined
  }
}

async function identityOf(file: FileHandle): Promise<ProgramFile | { readonly because: string }> {
  const status = await file.stat()
  if (!status.isFile()) return { because: 'what is at its path is no file' }
  if (status.size > MAX_BYTES) return { because: 'its file is larger than 4 GB' }
  return { device: status.dev, inode: status.ino, bytes: status.size, modifiedAt: status.mtimeMs }
}
