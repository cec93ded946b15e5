import { createHash } from 'node:crypto'
import { closeSync, constants, fstatSync, openSync, read, readlinkSync, realpathSync } from 'node:fs'
import { basename } from 'node:path'
import { promisify } from 'node:util'
import { RecentMap } from '#lib/recent-map.ts'
import type { WatchedRule } from '#model/watched-program.ts'

const readInto = promisify(read)

/** A file that is open, as it was then. */
export interface OpenProgram {
  readonly fd: number
  /** What a person would call it. */
  readonly path: string
  readonly device: number
  readonly inode: number
  readonly bytes: number
  readonly modifiedAt: number
}

/** Hashing so much takes well under a millisecond of the thread; reading goes on beside it. */
const CHUNK_BYTES = 1 << 18
const MAX_KNOWN = 8_192
const MAX_WAITING = 256
const MAX_BYTES = 2 ** 32

/** The caller closes `fd`. Undefined for what cannot be opened or is no file; does not wait at a pipe. */
export function openProgram(at: string, path = linkedPath(at)): OpenProgram | undefined {
  let fd: number
  try {
    fd = openSync(at, constants.O_RDONLY | constants.O_NONBLOCK)
  } catch {
    return undefined
  }
  const status = fstatSync(fd)
  if (status.isFile())
    return {
      fd,
      path,
      device: status.dev,
      inode: status.ino,
      bytes: status.size,
      modifiedAt: status.mtimeMs,
    }
  closeSync(fd)
  return undefined
}

/** Where `/proc/PID/exe` leads; a plain path without its links: a program is called by what it is, not by what leads there. */
export function linkedPath(at: string): string {
  try {
    if (!at.startsWith('/proc/')) return realpathSync(at)
    return readlinkSync(at).replace(/ \(deleted\)$/, '')
  } catch {
    return at
  }
}

/** Whether a rule names this file; `by its content` when only the hash can say. */
export function isNamedBy(rule: WatchedRule, { path, bytes }: OpenProgram): boolean | 'by its content' {
  if (rule.by === 'path') return rule.path === path
  if (rule.by === 'name') return rule.name === basename(path)
  return rule.bytes === undefined || rule.bytes === bytes ? 'by its content' : false
}

/** SHA-256 of programs, kept while device, inode, length and time of change stay; one is read at a time. */
export class ProgramHashes {
  readonly #known = new RecentMap<string, string>(MAX_KNOWN)
  #waiting = 0
  #last: Promise<unknown> = Promise.resolve()

  known(program: OpenProgram): string | undefined {
    return this.#known.get(keyOf(program))
  }

  /** The file must stay open until this is over. Undefined when it changed meanwhile, is too long, or too many wait. */
  hash(program: OpenProgram): Promise<string | undefined> {
    if (this.#waiting >= MAX_WAITING || program.bytes > MAX_BYTES) return Promise.resolve(undefined)
    this.#waiting++
    const turn = this.#last.then(() => this.#read(program)).finally(() => this.#waiting--)
    this.#last = turn.catch(() => undefined)
    return turn
  }

  async #read(program: OpenProgram): Promise<string | undefined> {
    const known = this.known(program)
    if (known !== undefined) return known
    const hash = createHash('sha256')
    const chunk = Buffer.alloc(Math.min(CHUNK_BYTES, Math.max(1, program.bytes)))
    for (let at = 0; ; ) {
      const { bytesRead } = await readInto(program.fd, chunk, 0, chunk.length, at)
      if (bytesRead === 0) break
      at += bytesRead
      hash.update(chunk.subarray(0, bytesRead))
    }
    const { size, mtimeMs } = fstatSync(program.fd)
    if (size !== program.bytes || mtimeMs !== program.modifiedAt) return undefined
    const sha256 = hash.digest('hex')
    this.#known.set(keyOf(program), sha256)
    return sha256
  }
}

const keyOf = ({ device, inode, bytes, modifiedAt }: OpenProgram): string =>
  `${device} ${inode} ${bytes} ${modifiedAt}`
