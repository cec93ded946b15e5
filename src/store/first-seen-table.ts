import type { DatabaseSync, StatementSync } from 'node:sqlite'
import {
  FIRST_KINDS,
  type FirstSeen,
  type NewSighting,
  type ProgramFile,
  type SeenFile,
} from '#model/first-seen.ts'
import type { Connection } from '#model/flow.ts'
import { programKeyOf } from '#model/summary.ts'
import type { Row } from './rows.ts'
import type { FirstSeenRequest } from './store.ts'

const PROGRAM = 0
const PROGRAM_HOST = 1
const PROGRAM_COUNTRY = 2
/** A browser or a scanner meets hosts without end: of one program so many are kept. */
const MAX_PEERS = 500
const KNOWN = 50_000
/** `last_at` is that exact, so that most flows cost no write. */
const NOTED_EVERY_MS = 3_600_000
const MAX_FILES = 50
const LONGEST = 512
const MAX_LISTED = 500
/** New sightings that wait for their reader. */
const MAX_NEW = 1_000

/** When programs, and programs with hosts and countries, were first seen. Its callers hold the transaction. */
export class FirstSeenTable {
  readonly #db: DatabaseSync
  readonly #note: StatementSync
  readonly #count: StatementSync
  readonly #isKept: StatementSync
  readonly #programAt: StatementSync
  /** When an entry was last noted on disk. Bounded: forgotten ones are noted again. */
  readonly #noted = new Map<string, number>()
  #new: NewSighting[] = []

  constructor(db: DatabaseSync) {
    this.#db = db
    this.#note = db.prepare(
      `INSERT INTO first_seen (kind, program, peer, at, last_at) VALUES ($kind, $program, $peer, $at, $lastAt)
       ON CONFLICT (kind, program, peer) DO UPDATE SET at = min(at, excluded.at), last_at = max(last_at, excluded.last_at)`,
    )
    this.#count = db.prepare('SELECT count(*) AS count FROM first_seen WHERE kind = ? AND program = ?')
    this.#isKept = db.prepare('SELECT 1 FROM first_seen WHERE kind = ? AND program = ? AND peer = ?')
    this.#programAt = db.prepare(`SELECT at FROM first_seen WHERE kind = ${PROGRAM} AND program = ?`)
  }

  /** Takes in a flow that is new, or of which more is known now. */
  see(connection: Connection): void {
    const { owner, peer, country } = connection
    if (!owner) return
    const program = programKeyOf(owner).slice(0, LONGEST)
    this.#see(PROGRAM, program, '', connection)
    this.#see(PROGRAM_HOST, program, peer, connection)
    if (country !== undefined) this.#see(PROGRAM_COUNTRY, program, country.toUpperCase(), connection)
  }

  /** What was noted for the first time since the last call; its transaction is over. */
  takeNew(): readonly NewSighting[] {
    const taken = this.#new
    this.#new = []
    return taken
  }

  /** What is known of the rows may no longer hold. */
  forget(): void {
    this.#noted.clear()
    this.#new = []
  }

  /** Notes which file a path names, and what that holds. */
  seeFile({ path, identity, sha256 }: SeenFile, at: number): void {
    this.#db
      .prepare(
        `INSERT INTO program_files (path, identity, first_at, last_at, sha256) VALUES ($path, $identity, $at, $at, $sha256)
         ON CONFLICT (path, identity) DO UPDATE SET first_at = min(first_at, $at), last_at = max(last_at, $at),
           sha256 = coalesce($sha256, sha256)`,
      )
      .run({ path, identity, at, sha256: sha256 ?? null })
    this.#db
      .prepare(
        `DELETE FROM program_files WHERE path = $path AND identity IN
         (SELECT identity FROM program_files WHERE path = $path ORDER BY last_at DESC LIMIT -1 OFFSET ${MAX_FILES})`,
      )
      .run({ path })
  }

  /** Newest first; of one program where that is given. */
  list(request: FirstSeenRequest): FirstSeen[] {
    const { program, peer, since = Number.MIN_SAFE_INTEGER } = request
    const limit = Math.min(MAX_LISTED, Math.max(1, request.limit))
    const ofProgram = program === undefined ? '' : 'AND program = $program'
    const ofPeer = peer === undefined ? '' : 'AND peer = $peer'
    const rows = this.#db
      .prepare(
        `SELECT * FROM first_seen WHERE at >= $since ${ofProgram} ${ofPeer} ORDER BY at DESC LIMIT $limit`,
      )
      .all({ since, limit, ...(program !== undefined && { program }), ...(peer !== undefined && { peer }) })
    return rows.map(firstSeenOf)
  }

  /** The files of a path, the newest first. */
  files(path: string): ProgramFile[] {
    const rows = this.#db
      .prepare('SELECT * FROM program_files WHERE path = ? ORDER BY first_at DESC')
      .all(path)
    return rows.map((row) => ({
      path: String(row['path']),
      identity: String(row['identity']),
      firstAt: Number(row['first_at']),
      lastAt: Number(row['last_at']),
      ...(row['sha256'] !== null && { sha256: String(row['sha256']) }),
    }))
  }

  #see(kind: number, program: string, peer: string, connection: Connection): void {
    const { openedAt, seenAt } = connection
    const text = `${kind} ${peer} ${program}`
    const noted = this.#noted.get(text)
    if (noted !== undefined && Math.abs(seenAt - noted) < NOTED_EVERY_MS) return
    if (noted === undefined && !this.#isKept.get(kind, program, peer)) {
      const others = kind === PROGRAM ? 0 : Number(this.#count.get(kind, program)?.['count'])
      if (others >= MAX_PEERS) return
      this.#tellNew({ kind, program, peer, peers: others + 1 }, connection)
    }
    this.#note.run({ kind, program, peer, at: openedAt, lastAt: seenAt })
    this.#remember(text, seenAt)
  }

  #tellNew(
    {
      kind,
      program,
      peer,
      peers,
    }: Omit<NewSighting, 'kind' | 'at' | 'programAt' | 'address'> & { kind: number },
    connection: Connection,
  ): void {
    if (this.#new.length >= MAX_NEW) return
    const { openedAt: at } = connection
    this.#new.push({
      ...{ kind: FIRST_KINDS[kind] ?? 'program', program, peers, at, address: connection.peer },
      ...(peer !== '' && peer !== undefined && { peer }),
      programAt: Number(this.#programAt.get(program)?.['at'] ?? at),
    })
  }

  #remember(text: string, at: number): void {
    if (this.#noted.size >= KNOWN) this.#noted.clear()
    this.#noted.set(text, at)
  }
}

const firstSeenOf = (row: Row): FirstSeen => ({
  kind: FIRST_KINDS[Number(row['kind'])] ?? 'program',
  program: String(row['program']),
  ...(row['peer'] !== '' && { peer: String(row['peer']) }),
  at: Number(row['at']),
  lastAt: Number(row['last_at']),
})
