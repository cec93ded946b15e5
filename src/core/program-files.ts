import { stat } from 'node:fs/promises'
import type { ProgramDescription } from '#identify/programs/programs.ts'
import { RecentMap } from '#lib/recent-map.ts'
import {
  type FileIdentity,
  identityText,
  type ProgramChange,
  type ProgramFile,
  type SeenFile,
} from '#model/first-seen.ts'
import type { Connection } from '#model/flow.ts'
import type { Owner } from '#model/owner.ts'
import { programKeyOf } from '#model/summary.ts'

/** Processes that were looked at lately: a longer list only means to look once more. */
const KNOWN = 8_192
/** Looks under way; a flood of new processes is looked at in part. */
const MAX_LOOKING = 64

/** Notes which binary each program runs, so that a changed one shows. */
export interface ProgramFiles {
  see(connections: readonly Connection[]): void
}

export interface ProgramFilesParts {
  readonly record: (file: SeenFile) => void
  /** The files that a path named before, the newest first. */
  readonly filesOf: (path: string) => Promise<readonly ProgramFile[]>
  /** Reads the file, slowly; asked once for each that is new. */
  readonly describe: (owner: Owner) => Promise<Described>
  readonly changed: (change: ProgramChange) => void
  readonly identify?: (owner: Owner) => Promise<FileIdentity | undefined>
}

export function createProgramFiles(parts: ProgramFilesParts): ProgramFiles {
  const { record, filesOf, describe, changed, identify = identifyProcess } = parts
  const known = new RecentMap<string, true>(KNOWN)
  /** Files that are looked at now or were lately: several processes of one program start at once. */
  const looked = new RecentMap<string, true>(KNOWN)
  let looking = 0

  async function look(owner: Owner, connection: Connection): Promise<void> {
    const found = await identify(owner)
    if (!found) return
    const path = programKeyOf(owner)
    const identity = identityText(found)
    const text = `${identity} ${path}`
    if (looked.get(text)) return
    looked.set(text, true)
    const before = await filesOf(path)
    record({ path, identity })
    if (before.some((file) => file.identity === identity && file.sha256 !== undefined)) return
    const described = await describe(owner)
    if (described.sha256 !== undefined) record({ path, identity, sha256: described.sha256 })
    const change = changeOf({ identity, before, described })
    if (change) changed({ program: path, address: connection.peer, ...change })
  }

  return {
    see(connections) {
      for (const connection of connections) {
        const { owner } = connection
        if (!owner || owner.pid === 0 || !owner.path.startsWith('/')) continue
        const key = `${owner.pid} ${owner.startedAt} ${owner.path}`
        if (known.get(key) || looking >= MAX_LOOKING) continue
        known.set(key, true)
        looking++
        // Where the store or the file cannot be read, the next process of this program tells.
        look(owner, connection).then(
          () => looking--,
          () => looking--,
        )
      }
    },
  }
}

type Described = Pick<ProgramDescription, 'sha256' | 'package'>

/** Undefined for the first file of a path, and for one that it named or that held the same before. */
function changeOf({
  identity,
  before,
  described: { sha256, package: owned },
}: {
  readonly identity: string
  readonly before: readonly ProgramFile[]
  readonly described: Described
}): Omit<ProgramChange, 'program' | 'address'> | undefined {
  const [last] = before
  if (!last || before.some((file) => file.identity === identity || isSame(file, sha256))) return undefined
  return {
    before: { lastAt: last.lastAt, ...(last.sha256 !== undefined && { sha256: last.sha256 }) },
    ...(sha256 !== undefined && { sha256 }),
    ...(owned.state === 'owned' && { package: { name: nameOf(owned), file: owned.file } }),
  }
}

const isSame = (file: ProgramFile, sha256: string | undefined): boolean =>
  sha256 !== undefined && file.sha256 === sha256

const nameOf = ({ name, version }: { readonly name: string; readonly version?: string }): string =>
  version === undefined ? name : `${name} ${version}`

/** The binaries among the files of a path, the newest first: files that hold the same are one. */
export function binariesOf(files: readonly ProgramFile[]): ProgramFile[] {
  const binaries = new Map<string, ProgramFile>()
  for (const file of files) {
    const key = file.sha256 === undefined ? file.identity : `sha256:${file.sha256}`
    const known = binaries.get(key)
    const one = known ?? { ...file, identity: key }
    const firstAt = Math.min(one.firstAt, file.firstAt)
    binaries.set(key, { ...one, firstAt, lastAt: Math.max(one.lastAt, file.lastAt) })
  }
  return [...binaries.values()].sort((a, b) => b.firstAt - a.firstAt)
}

/** The very file that the process runs, also where its path names another one by now; undefined once it is over. */
async function identifyProcess({ pid }: Owner): Promise<FileIdentity | undefined> {
  try {
    const { dev, ino, size, mtimeMs } = await stat(`/proc/${pid}/exe`, { bigint: true })
    return { device: String(dev), inode: String(ino), bytes: Number(size), modifiedAt: Number(mtimeMs) }
  } catch {
    // It ended, or may not be looked at: the next process of this program will tell.
    return undefined
  }
}
