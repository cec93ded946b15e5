import { readdirSync, readFileSync } from 'node:fs'
import type { DatabaseSync } from 'node:sqlite'
import { StoreError } from './failure.ts'

/** "GATE": tells our file from any other SQLite file. */
const APPLICATION_ID = 0x47415445
const FOLDER = new URL('./migrations/', import.meta.url)

interface Migration {
  readonly version: number
  readonly sql: string
}

/** The numbered files of `migrations/`, in order. */
function readMigrations(): readonly Migration[] {
  const names = readdirSync(FOLDER)
    .filter((name) => /^\d{3}-[a-z-]+\.sql$/.test(name))
    .sort()
  return names.map((name) => ({
    version: Number(name.slice(0, 3)),
    sql: readFileSync(new URL(name, FOLDER), 'utf8'),
  }))
}

/**
 * Brings the database to the newest version, each step in a transaction of its own. Throws a `StoreError` when
 * the file is of a newer version or of another program, and leaves it as it is.
 */
export function migrate(db: DatabaseSync, path: string): void {
  const migrations = readMigrations()
  const version = pragmaNumber(db, 'user_version')
  const application = pragmaNumber(db, 'application_id')
  const newest = migrations.at(-1)?.version ?? 0
  if (version > newest && application === APPLICATION_ID) {
    throw new StoreError(
      `${path} was written by a newer Gatehouse (version ${version} of the database; this one knows ${newest}).`,
      'Start the newer version, or give this one another folder.',
    )
  }
  if ((version > 0 || hasTables(db)) && application !== APPLICATION_ID) {
    throw new StoreError(`${path} is the database of another program.`, 'Give Gatehouse another folder.')
  }
  for (const migration of migrations) if (migration.version > version) apply(db, migration)
}

function apply(db: DatabaseSync, { version, sql }: Migration): void {
  inTransaction(db, () => {
    db.exec(sql)
    db.exec(`PRAGMA user_version = ${version}; PRAGMA application_id = ${APPLICATION_ID}`)
  })
}

/** Runs `work` as one transaction: all of it, or nothing. */
export function inTransaction<Result>(db: DatabaseSync, work: () => Result): Result {
  db.exec('BEGIN IMMEDIATE')
  try {
    const result = work()
    db.exec('COMMIT')
    return result
  } catch (error) {
    // SQLite has rolled back by itself after SQLITE_FULL and SQLITE_IOERR (sqlite.org/lang_transaction.html).
    if (db.isTransaction) db.exec('ROLLBACK')
    throw error
  }
}

/** A pragma that answers one number. `name` is a literal of ours. */
export const pragmaNumber = (db: DatabaseSync, name: string): number =>
  Number(Object.values(db.prepare(`PRAGMA ${name}`).get() ?? {})[0] ?? 0)

const hasTables = (db: DatabaseSync): boolean =>
  db.prepare('SELECT 1 FROM sqlite_schema LIMIT 1').get() !== undefined
