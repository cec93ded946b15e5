import { mkdir, open, rename } from 'node:fs/promises'
import { dirname } from 'node:path'

const FILE_MODE = 0o640
const FOLDER_MODE = 0o750
/** Lines that wait for a slow disk; more are dropped and counted. */
const MAX_WAITING_BYTES = 4 << 20
const WRITE_AFTER_MS = 100

export interface RotatingFileOptions {
  readonly path: string
  /** From so many bytes on it is renamed to `path.1` and begun anew. */
  readonly maxBytes: number
  /** Old ones that are kept. */
  readonly kept: number
}

/**
 * A text file that others read along, such as `tail -F`. Never waits for the disk: lines are gathered and appended in
 * the background. Opened anew for each write, so that somebody else may move or remove it.
 */
export class RotatingFile {
  readonly #options: RotatingFileOptions
  #waiting: string[] = []
  #waitingBytes = 0
  #written: Promise<void> = Promise.resolve()
  #timer: NodeJS.Timeout | undefined
  /** Why the last write failed; undefined once one succeeds. */
  trouble: string | undefined
  /** Lines that are lost because the disk was full or too slow. */
  lost = 0

  constructor(options: RotatingFileOptions) {
    this.#options = options
  }

  get path(): string {
    return this.#options.path
  }

  /** `line` without its newline. */
  append(line: string): void {
    if (this.#waitingBytes + line.length > MAX_WAITING_BYTES) {
      this.lost++
      return
    }
    this.#waiting.push(line)
    this.#waitingBytes += line.length
    this.#timer ??= setTimeout(() => void this.flush(), WRITE_AFTER_MS).unref()
  }

  /** Settles when all that was appended so far is written, or lost. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const lines = this.#waiting
    this.#waiting = []
    this.#waitingBytes = 0
    if (lines.length > 0) this.#written = this.#written.then(() => this.#write(lines))
    await this.#written
  }

  async #write(lines: readonly string[]): Promise<void> {
    const { path, maxBytes } = this.#options
    try {
      await mkdir(dirname(path), { recursive: true, mode: FOLDER_MODE })
      const file = await open(path, 'a', FILE_MODE)
      let size = 0
      try {
        await file.appendFile(`${lines.join('\n')}\n`)
        size = (await file.stat()).size
      } finally {
        await file.close()
      }
      if (size >= maxBytes) await this.#rotate()
      this.trouble = undefined
    } catch (error) {
      this.trouble = (error as Error).message
      this.lost += lines.length
    }
  }

  async #rotate(): Promise<void> {
    const { path, kept } = this.#options
    for (let number = kept - 1; number >= 1; number--) {
      await rename(`${path}.${number}`, `${path}.${number + 1}`).catch(ignoreMissing)
    }
    await rename(path, `${path}.1`)
  }
}

function ignoreMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error
}
