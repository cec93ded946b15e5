import { mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { writeAtomically } from '#lib/atomic-file.ts'

const MOST_KEPT = 500
/** Of all texts together; the newest is kept whatever its size. */
const MOST_BYTES = 64_000_000

const Version = z.object({
  number: z.number().int().positive(),
  at: z.number(),
  actor: z.string(),
  reason: z.string(),
  bytes: z.number().int().nonnegative(),
  decisionId: z.number().int().optional(),
})

/** Rules that came in force for good, without their text. */
export type KeptVersion = z.infer<typeof Version>

/**
 * The rules files that were in force, each as a file that people can read: they are there also when the database is not.
 * Bounded in number and in bytes: the oldest goes first.
 */
export class RuleVersions {
  readonly #folder: string
  readonly #bounds: { readonly most: number; readonly bytes: number }
  #kept: readonly KeptVersion[]

  constructor(stateFolder: string, bounds = { most: MOST_KEPT, bytes: MOST_BYTES }) {
    this.#folder = join(stateFolder, 'rules', 'versions')
    this.#bounds = bounds
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 })
    this.#kept = this.#readIndex()
  }

  /** Oldest first. */
  get all(): readonly KeptVersion[] {
    return this.#kept
  }

  get newest(): KeptVersion | undefined {
    return this.#kept.at(-1)
  }

  numbered(number: number): KeptVersion | undefined {
    return this.#kept.find((version) => version.number === number)
  }

  /** Undefined where it is no longer kept. Version 0 is no rules at all: what was before the first. */
  textOf(number: number): string | undefined {
    if (number === 0) return ''
    try {
      return this.numbered(number) && readFileSync(this.#textFile(number), 'utf8')
    } catch {
      return undefined
    }
  }

  /** Throws the error of the file system; then nothing was kept. */
  keep(text: string, about: Omit<KeptVersion, 'number' | 'bytes'>): KeptVersion {
    const number = (this.newest?.number ?? 0) + 1
    const version = { number, ...about, bytes: Buffer.byteLength(text) }
    writeAtomically(this.#textFile(number), text)
    const kept = this.#bounded([...this.#kept, version])
    writeAtomically(this.#indexFile, `${JSON.stringify(kept)}\n`)
    const gone = this.#kept.slice(0, this.#kept.length + 1 - kept.length)
    this.#kept = kept
    for (const { number } of gone) rmSync(this.#textFile(number), { force: true })
    return version
  }

  get #indexFile(): string {
    return join(this.#folder, 'versions.json')
  }

  #textFile(number: number): string {
    return join(this.#folder, `${number}.yaml`)
  }

  #bounded(versions: readonly KeptVersion[]): readonly KeptVersion[] {
    let bytes = 0
    let from = versions.length
    while (from > 0 && versions.length - from < this.#bounds.most) {
      bytes += versions[from - 1]?.bytes ?? 0
      if (bytes > this.#bounds.bytes && from < versions.length) break
      from--
    }
    return versions.slice(from)
  }

  #readIndex(): readonly KeptVersion[] {
    try {
      return z.array(Version).parse(JSON.parse(readFileSync(this.#indexFile, 'utf8')))
    } catch {
      return this.#found()
    }
  }

  /** Where the index is broken, what the texts themselves tell. */
  #found(): readonly KeptVersion[] {
    const numbers = readdirSync(this.#folder).flatMap(
      (name) => /^([1-9]\d{0,8})\.yaml$/.exec(name)?.[1] ?? [],
    )
    return numbers
      .map(Number)
      .sort((one, other) => one - other)
      .map((number) => {
        const { mtimeMs, size } = statSync(this.#textFile(number))
        return { number, at: mtimeMs, actor: 'unknown', reason: 'what was known of it is lost', bytes: size }
      })
  }
}
