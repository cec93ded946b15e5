import { closeSync, existsSync, mkdirSync, openSync, renameSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type Failure, failureOf, StoreError, type Trouble, troubleOf } from './failure.ts'
import { inTransaction, migrate } from './migrate.ts'
import { type Salvaged, salvage } from './salvage.ts'

const FILE = 'gatehouse.db'
/** How long a writer waits for another program that reads or writes the file. */
const BUSY_MS = 2000
/** A full check reads the whole file: up to this size it takes well under a second. */
const WHOLE_CHECK_BYTES = 64 * 1_048_576
const SMALL_TABLES = ['meta', 'decisions', 'egress', 'blocks', 'alerts', 'allow_entries'] as const

/** An open database: a file, or memory alone where no file can be had. */
export interface Database {
  readonly db: DatabaseSync
  readonly kind: 'file' | 'memory'
  readonly path: string
  /** Stays until the restart: a file that was set aside, no file at all. */
  readonly lasting?: Trouble
  /** Ends by itself: a full disk. */
  readonly passing?: Trouble
  /** True when the file may be had later: a full disk that held none yet. */
  readonly mayBecomeFile?: boolean
  close(): void
}

/**
 * Opens the database in `folder`, which is made where it is missing. Throws a `StoreError` when another instance
 * has it or a newer version wrote it; whatever else is wrong ends in a database that works, and its `trouble`.
 */
export function openDatabase(folder: string, now: number): Database {
  const path = join(folder, FILE)
  const hadFile = existsSync(path) && statSync(path).size > 0
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    const lock = lockFolder(folder)
    try {
      return openLocked(path, lock, now)
    } catch (error) {
      lock.close()
      throw error
    }
  } catch (error) {
    if (error instanceof StoreError) throw error
    return inMemory(folder, error, hadFile)
  }
}

/** Moves a broken file aside, starts a new one and takes over what can be read. */
export function replaceBroken(broken: Database, now: number): Database {
  const aside = setAside(broken.path, now)
  // After the move: closing would otherwise remove a write-ahead log that is part of the evidence.
  closeQuietly(broken.db)
  return startAnew(broken.path, aside, broken.close)
}

/**
 * One instance per folder. The kernel gives the lock back with the process, however it ends; a pid file would
 * outlive a crash. It is a file of its own, so that others may read the database.
 */
function lockFolder(folder: string): DatabaseSync {
  const lock = new DatabaseSync(join(folder, 'gatehouse.lock'), { timeout: 0 })
  try {
    lock.exec('PRAGMA journal_mode = MEMORY; BEGIN IMMEDIATE')
    return lock
  } catch (error) {
    lock.close()
    if (failureOf(error) !== 'busy') throw error
    throw new StoreError(
      `Another Gatehouse is running with ${folder}.`,
      'Stop it first (gatehouse status shows it), or give this one another folder.',
      { cause: error },
    )
  }
}

function openLocked(path: string, lock: DatabaseSync, now: number): Database {
  try {
    return { ...openFile(path), close: () => lock.close() }
  } catch (error) {
    if (failureOf(error) !== 'broken') throw error
    return startAnew(path, setAside(path, now), () => lock.close())
  }
}

type OpenFile = Omit<Database, 'close'>

function openFile(path: string): OpenFile {
  try {
    return { db: prepareFile(path, 'NORMAL'), kind: 'file', path }
  } catch (error) {
    if (failureOf(error) !== 'full') throw error
    // A full disk has no room for the shared index of the log. Locked for us alone, SQLite keeps that index in
    // its own memory (sqlite.org/wal.html): what the file holds can be read, and written when there is room.
    return { db: prepareFile(path, 'EXCLUSIVE'), kind: 'file', path, passing: troubleOf('full', path) }
  }
}

function prepareFile(path: string, locking: 'NORMAL' | 'EXCLUSIVE'): DatabaseSync {
  const isNew = !existsSync(path) || statSync(path).size === 0
  // SQLite would make it readable for all that umask lets in; the log takes the mode of the file.
  if (isNew) closeSync(openSync(path, 'a', 0o600))
  const db = new DatabaseSync(path, { timeout: BUSY_MS })
  try {
    // Only before the first table: freed pages can then be given back in small steps.
    if (isNew) db.exec('PRAGMA auto_vacuum = INCREMENTAL')
    db.exec(`PRAGMA locking_mode = ${locking}; PRAGMA journal_mode = WAL`)
    configure(db)
    if (!isNew) check(db, path)
    migrate(db, path)
    return db
  } catch (error) {
    closeQuietly(db)
    throw error
  }
}

function configure(db: DatabaseSync): void {
  db.exec(`
    PRAGMA synchronous = NORMAL;
    PRAGMA cache_size = -48000;
    PRAGMA wal_autocheckpoint = 4000;
    PRAGMA temp_store = MEMORY;
    PRAGMA journal_size_limit = 33554432;
    PRAGMA cell_size_check = ON;
    PRAGMA trusted_schema = OFF;
  `)
}

/** Throws as SQLite does for a broken file. Bounded: a large file is checked where decisions are, not its flows. */
function check(db: DatabaseSync, path: string): void {
  const isSmall = statSync(path).size <= WHOLE_CHECK_BYTES
  const present = new Set(
    db
      .prepare("SELECT name FROM sqlite_schema WHERE type = 'table'")
      .all()
      .map((row) => String(row['name'])),
  )
  const scopes = isSmall ? [''] : SMALL_TABLES.filter((table) => present.has(table)).map((t) => `('${t}')`)
  for (const scope of scopes) {
    const answer = db.prepare(`PRAGMA quick_check${scope}`).get()
    if (answer && Object.values(answer)[0] !== 'ok') throw new BrokenFile(String(Object.values(answer)[0]))
  }
}

/** A file that SQLite opens but whose check fails: the same as SQLITE_CORRUPT. */
class BrokenFile extends Error {
  readonly errcode = 11
}

/** Renames the file with its log; nothing is deleted. Answers the new name. */
function setAside(path: string, now: number): string {
  const stamp = new Date(now).toISOString().replace(/[:.]/g, '-')
  let aside = `${path}.broken-${stamp}`
  for (let again = 2; existsSync(aside); again++) aside = `${path}.broken-${stamp}-${again}`
  for (const suffix of ['', '-wal', '-shm']) {
    if (existsSync(path + suffix)) renameSync(path + suffix, aside + suffix)
  }
  return aside
}

function startAnew(path: string, aside: string, close: () => void): Database {
  const file = openFile(path)
  const saved = inTransaction(file.db, () => salvage(aside, file.db))
  return { ...file, lasting: brokenTrouble(aside, saved), close }
}

function brokenTrouble(aside: string, saved: Salvaged): Trouble {
  const { decisions, blocks, alerts, allow_entries: allowed } = saved
  return {
    reason: `The database was broken and a new one was started; taken over: ${decisions} decisions, ${blocks} blocks, ${alerts} alerts, ${allowed} allow entries`,
    remedy: `The old file, with its flows, is ${aside}; check the disk, then restart to clear this message`,
  }
}

function inMemory(folder: string, error: unknown, hadFile: boolean): Database {
  const failure: Failure = failureOf(error) ?? fileFailure(error)
  const { reason, remedy } = troubleOf(failure, folder)
  const db = new DatabaseSync(':memory:')
  configure(db)
  migrate(db, ':memory:')
  const mayBecomeFile = failure === 'full' && !hadFile
  const memoryAlone = `${reason}: memory alone is used, and lost when Gatehouse stops`
  const memory = { db, kind: 'memory', path: join(folder, FILE), close: () => undefined } as const
  if (mayBecomeFile) return { ...memory, mayBecomeFile, passing: { reason: memoryAlone, remedy } }
  const restart = `${remedy.replace(/; writing goes on by itself.*/, '')}, then restart`
  return { ...memory, lasting: { reason: memoryAlone, remedy: restart } }
}

/** The failure behind an error of the file system itself. */
function fileFailure(error: unknown): Failure {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  if (code === 'ENOSPC' || code === 'EDQUOT') return 'full'
  if (['EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'EEXIST'].includes(code)) return 'read-only'
  return 'unreadable'
}

function closeQuietly(db: DatabaseSync): void {
  try {
    db.close()
  } catch {
    // A broken or full file may refuse its last checkpoint: the log keeps what it holds.
  }
}
