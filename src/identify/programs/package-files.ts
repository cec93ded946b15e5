import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { aliasesOf } from './dpkg.ts'
import type { RunProgram } from './rpm.ts'

const MAX_PACKAGES = 256
const MAX_LIST_BYTES = 32 << 20

interface KnownFiles {
  readonly files: ReadonlySet<string>
  /** Changes when any package does; the same for ever with RPM, which is asked once. */
  readonly stamp: string
}

export interface PackageFilesOptions {
  /** How rpm is asked; without it, RPM packages are not known. */
  readonly run?: RunProgram
  readonly dpkgFolder?: string
}

/** Which files belong to a package: from dpkg's own lists at once, from rpm a moment later. */
export class PackageFiles {
  readonly #folder: string
  readonly #run: RunProgram | undefined
  readonly #known = new Map<string, KnownFiles>()
  readonly #asked = new Set<string>()

  constructor({ run, dpkgFolder = '/var/lib/dpkg/info' }: PackageFilesOptions = {}) {
    this.#folder = dpkgFolder
    this.#run = run
  }

  /** Undefined as long as it is not known; none of a package that is not installed. */
  filesOf(name: string): ReadonlySet<string> | undefined {
    // dpkg replaces files as a whole, so that each change is one of the folder.
    const stamp = stampOf(this.#folder)
    if (stamp === '') return this.#fromRpm(name)
    const known = this.#known.get(name)
    if (known?.stamp === stamp) return known.files
    const lists = this.#listsOf(name) ?? []
    const files = new Set(lists.flatMap(linesOf).flatMap(aliasesOf))
    this.#keep(name, { files, stamp })
    return files
  }

  /** Undefined where nobody can say at once. */
  isInstalled(name: string): boolean | undefined {
    return this.#listsOf(name)?.some(() => true)
  }

  /** `curl.list`, `libc6:amd64.list`; undefined where there is no dpkg. */
  #listsOf(name: string): string[] | undefined {
    try {
      return readdirSync(this.#folder)
        .filter((file) => file === `${name}.list` || (file.startsWith(`${name}:`) && file.endsWith('.list')))
        .map((file) => join(this.#folder, file))
    } catch {
      return undefined
    }
  }

  #fromRpm(name: string): ReadonlySet<string> | undefined {
    const known = this.#known.get(name)
    if (!this.#run) return new Set()
    if (!this.#asked.has(name) && this.#asked.size < MAX_PACKAGES) {
      this.#asked.add(name)
      void this.#run('rpm', ['-ql', '--', name]).then((text) => {
        this.#keep(name, {
          files: new Set(text?.split('\n').filter((line) => line.startsWith('/'))),
          stamp: '',
        })
      })
    }
    return known?.files
  }

  #keep(name: string, known: KnownFiles): void {
    if (this.#known.size >= MAX_PACKAGES) this.#known.clear()
    this.#known.set(name, known)
  }
}

function stampOf(file: string): string {
  const stat = statSync(file, { throwIfNoEntry: false })
  return stat ? `${stat.mtimeMs} ${stat.size} ${stat.ino}` : ''
}

function linesOf(file: string): string[] {
  try {
    return statSync(file).size > MAX_LIST_BYTES ? [] : readFileSync(file, 'utf8').split('\n')
  } catch {
    return []
  }
}
