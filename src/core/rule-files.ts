import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { writeAtomically } from '#lib/atomic-file.ts'

const MAX_BYTES = 64 << 20
const FILE_MODE = 0o644

const Pending = z.object({
  id: z.string(),
  actor: z.string(),
  since: z.number(),
  until: z.number(),
  text: z.string(),
  hold: z.enum(['pause', 'lockdown']).optional(),
})

/** A change that waits to be confirmed, as the state folder keeps it for the guard and the next start. */
export type PendingFile = z.infer<typeof Pending>

/** The files of the rules: the person's own, and what the state folder remembers of them. */
export class RuleFiles {
  readonly file: string
  readonly pendingFile: string
  readonly rolledBackFile: string
  readonly #confirmedFile: string
  #seen = ''
  #lookedAt = ''
  /** Told when rules were confirmed: others may keep what follows from them. */
  onConfirmed: () => void = () => {}

  constructor(file: string, stateFolder: string) {
    const folder = join(stateFolder, 'rules')
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    this.file = file
    this.pendingFile = join(folder, 'pending.json')
    this.rolledBackFile = join(folder, 'rolled-back.json')
    this.#confirmedFile = join(folder, 'confirmed.yaml')
  }

  /** The person's file; undefined when there is none, or why it cannot be read. */
  read(): string | undefined | { readonly unreadable: string } {
    try {
      return readText(this.file)
    } catch (error) {
      return { unreadable: (error as Error).message }
    }
  }

  /** What the file holds now is known. */
  seen(): void {
    this.#seen = this.#stamp
  }

  /** The file is another than was seen, and whole: the same at two looks. Who writes it in pieces is not interrupted. */
  hasChanged(): boolean {
    const before = this.#lookedAt
    this.#lookedAt = this.#stamp
    return this.#lookedAt !== this.#seen && this.#lookedAt === before
  }

  get #stamp(): string {
    const stat = statSync(this.file, { throwIfNoEntry: false })
    return stat ? `${stat.mtimeMs} ${stat.size} ${stat.ino}` : ''
  }

  /** The last rules that were good and confirmed. */
  readConfirmed(): string | undefined {
    return readListText(this.#confirmedFile)
  }

  keepConfirmed(text: string): void {
    writeAtomically(this.#confirmedFile, text)
    this.onConfirmed()
  }

  write(text: string): void {
    writeAtomically(this.file, text, FILE_MODE)
  }

  keepPending(pending: PendingFile): void {
    writeAtomically(this.pendingFile, JSON.stringify(pending))
  }

  forgetPending(): void {
    rmSync(this.pendingFile, { force: true })
  }

  /** What waited is given up; answers its text. */
  rollBackPending(): void {
    if (existsSync(this.pendingFile)) renameSync(this.pendingFile, this.rolledBackFile)
  }

  get hasPending(): boolean {
    return existsSync(this.pendingFile)
  }

  /** The text that was given up last: it is not taken up again by itself. */
  readRolledBack(): string | undefined {
    try {
      return Pending.parse(JSON.parse(readText(this.rolledBackFile) ?? '')).text
    } catch {
      // None, or cut short by a crash: then nothing is known to have been given up.
      return undefined
    }
  }

  forgetRolledBack(): void {
    rmSync(this.rolledBackFile, { force: true })
  }
}

/** The text of a list that the rules name; undefined when it cannot be read, or is no regular file of bearable size. */
export function readListText(path: string): string | undefined {
  try {
    return readText(path)
  } catch {
    return undefined
  }
}

function readText(path: string): string | undefined {
  const stat = statSync(path, { throwIfNoEntry: false })
  if (!stat) return undefined
  if (!stat.isFile() || stat.size > MAX_BYTES)
    throw new Error(`${path} is no file of at most ${MAX_BYTES} bytes`)
  return readFileSync(path, 'utf8')
}
