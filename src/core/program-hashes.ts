import { RecentMap } from '#lib/recent-map.ts'
import type { Connection } from '#model/flow.ts'
import type { Owner } from '#model/owner.ts'
import { programKeyOf } from '#model/summary.ts'

/** The hashes of a file, in hexadecimal. MD5 and SHA-1 are no proof of anything, but lists name files by them. */
export interface FileHashes {
  readonly sha256: string
  readonly sha1: string
  readonly md5: string
}

/** The hashes of programs that make connections, each file read once. */
export interface ProgramHashes {
  /** Asks for the hashes of programs that were not met yet, where anybody wants them. */
  see(connections: readonly Connection[]): void
  of(owner: Owner): FileHashes | undefined
  /** Of the program that was met last under this key. */
  ofProgram(key: string): FileHashes | undefined
}

export interface ProgramHashesParts {
  readonly describe: (owner: Owner) => Promise<{ readonly hashes?: FileHashes | undefined }>
  /** Reading files costs something: false while neither a list nor a service knows hashes. */
  readonly isWanted: () => boolean
  /** A program's hashes are known: what follows is up to the listener. Once for each process. */
  readonly found: (connection: Connection, hashes: FileHashes) => void
}

const PROCESSES = 8_192
const PROGRAMS = 4_096
/** Readings under way; of a flood of new processes the rest is asked for with their next packets. */
const MAX_READING = 64

export function createProgramHashes({ describe, isWanted, found }: ProgramHashesParts): ProgramHashes {
  const known = new RecentMap<string, FileHashes | 'asked'>(PROCESSES)
  const byProgram = new RecentMap<string, FileHashes>(PROGRAMS)
  let reading = 0

  async function read(connection: Connection, owner: Owner): Promise<void> {
    reading++
    const { hashes } = await describe(owner).finally(() => reading--)
    if (!hashes) return
    known.set(processOf(owner), hashes)
    byProgram.set(programKeyOf(owner), hashes)
    found(connection, hashes)
  }

  return {
    see(connections) {
      if (!isWanted()) return
      for (const connection of connections) {
        const { owner } = connection
        if (!owner || owner.pid === 0 || reading >= MAX_READING) continue
        const process = processOf(owner)
        if (known.get(process) !== undefined) continue
        known.set(process, 'asked')
        void read(connection, owner)
      }
    },
    of(owner) {
      const hashes = known.get(processOf(owner))
      return hashes === 'asked' ? undefined : hashes
    },
    ofProgram: (key) => byProgram.get(key),
  }
}

const processOf = ({ pid, startedAt, path }: Owner): string => `${pid} ${startedAt} ${path}`
