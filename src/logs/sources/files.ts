import { constants } from 'node:fs'
import { type FileHandle, open, stat } from 'node:fs/promises'
import { StringDecoder } from 'node:string_decoder'
import { LineSplitter } from '#lib/line-splitter.ts'

/** A failed login is heard of within this time. */
const LOOK_EVERY_MS = 200
const PIECE_BYTES = 65_536
/** Of one file in one look: a log that is flooded does not keep the others waiting. */
const MOST_PIECES = 16

export interface FollowedFile {
  readonly path: string
  /** Undefined while it is read, or is not there; else why it cannot be. */
  readonly trouble: string | undefined
  readonly isOpen: boolean
}

export interface FileFollower {
  readonly files: readonly FollowedFile[]
  stop(): Promise<void>
}

/**
 * Follows files as they grow: lines that are there already are passed by. A file that is moved away is read to its end,
 * then the new one from its begin; one that is cut short begins anew; one that is not there is waited for.
 */
export function followFiles(
  paths: readonly string[],
  line: (path: string, line: string) => void,
): FileFollower {
  const files = [...new Set(paths)].map((path) => new Follower(path, (text) => line(path, text)))
  let isStopped = false
  let timer: NodeJS.Timeout | undefined
  const look = async (): Promise<void> => {
    for (const file of files) await file.look()
    if (isStopped) return
    timer = setTimeout(() => {
      looking = look()
    }, LOOK_EVERY_MS)
    timer.unref()
  }
  let looking = look()
  return {
    files,
    async stop() {
      isStopped = true
      clearTimeout(timer)
      await looking
      await Promise.all(files.map((file) => file.close()))
    },
  }
}

class Follower implements FollowedFile {
  readonly path: string
  trouble: string | undefined
  readonly #piece = Buffer.alloc(PIECE_BYTES)
  readonly #line: (line: string) => void
  #lines: LineSplitter
  #decoder = new StringDecoder('utf8')
  #handle: FileHandle | undefined
  #inode = -1n
  #at = 0
  #isFirst = true

  constructor(path: string, line: (line: string) => void) {
    this.path = path
    this.#line = line
    this.#lines = this.#splitter()
  }

  get isOpen(): boolean {
    return this.#handle !== undefined
  }

  /** Reads what is new. Never rejects. */
  async look(): Promise<void> {
    try {
      await this.#look()
      this.trouble = undefined
    } catch (cause) {
      const { code, message } = cause as NodeJS.ErrnoException
      this.trouble = code === 'ENOENT' ? undefined : message
    }
    // Only what was there at the start has a past to pass by.
    this.#isFirst = false
  }

  async close(): Promise<void> {
    await this.#handle?.close()
    this.#handle = undefined
  }

  async #look(): Promise<void> {
    if (this.#handle) await this.#read(this.#handle)
    const now = await stat(this.path, { bigint: true })
    if (this.#handle && now.ino === this.#inode) return
    const isFirst = this.#isFirst
    // Moved away: what was written before the move was read above, and once more for what came between.
    if (this.#handle) await this.#read(this.#handle)
    await this.close()
    if (!now.isFile()) throw new Error('it is no plain file')
    // Not blocking: between the look and the opening it may have become a pipe.
    this.#handle = await open(this.path, constants.O_RDONLY | constants.O_NONBLOCK)
    const { ino, size } = await this.#handle.stat({ bigint: true })
    this.#inode = ino
    this.#begin(isFirst ? Number(size) : 0)
    await this.#read(this.#handle)
  }

  async #read(handle: FileHandle): Promise<void> {
    const { size } = await handle.stat()
    if (size < this.#at) this.#begin(0)
    for (let pieces = 0; pieces < MOST_PIECES; pieces++) {
      const { bytesRead } = await handle.read(this.#piece, 0, PIECE_BYTES, this.#at)
      if (bytesRead === 0) return
      this.#at += bytesRead
      this.#lines.write(this.#decoder.write(this.#piece.subarray(0, bytesRead)))
    }
  }

  #begin(at: number): void {
    this.#at = at
    this.#lines = this.#splitter()
    this.#decoder = new StringDecoder('utf8')
  }

  #splitter(): LineSplitter {
    return new LineSplitter(this.#line, () => {})
  }
}
