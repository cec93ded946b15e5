import { DatabaseSync, type SQLOutputValue } from 'node:sqlite'

/** What is worth saving out of a broken file; flows are many and go on coming. */
const TABLES = [
  'decisions',
  'decision_chain',
  'egress',
  'blocks',
  'alerts',
  'allow_entries',
  'trusts',
  'first_seen',
  'program_files',
] as const

type Table = (typeof TABLES)[number]

export type Salvaged = Readonly<Record<Table, number>>

/** The columns of one of our tables. */
export const columnsOf = (db: DatabaseSync, table: string): readonly string[] =>
  db
    .prepare('SELECT name FROM pragma_table_info(?)')
    .all(table)
    .map((row) => String(row['name']))

/**
 * Copies what can still be read of the file at `path` into `into`; answers the rows of each table. Never throws
 * because of the broken file. Reads from both ends: a broken page costs the rows on it, not those behind it.
 */
export function salvage(path: string, into: DatabaseSync): Salvaged {
  const salvaged = Object.fromEntries(TABLES.map((table) => [table, 0])) as Record<Table, number>
  const broken = attempt(() => new DatabaseSync(path, { readOnly: true, timeout: 0 }))
  if (!broken) return salvaged
  for (const table of TABLES) salvaged[table] = copyTable(broken, into, table)
  attempt(() => broken.close())
  return salvaged
}

/** Copies the readable rows of a table; answers how many. Rows that `into` has already stay as they are there. */
export function copyTable(from: DatabaseSync, into: DatabaseSync, table: string): number {
  const present = new Set(attempt(() => columnsOf(from, table)) ?? [])
  // Names of the new database only: those of a broken file could be anything.
  const columns = columnsOf(into, table).filter((name) => present.has(name))
  if (columns.length === 0) return 0
  const names = columns.join(', ')
  const places = columns.map(() => '?').join(', ')
  const insert = into.prepare(`INSERT OR IGNORE INTO ${table} (${names}) VALUES (${places})`)
  let copied = 0
  const copy = (row: SQLOutputValue[]): void => {
    if (attempt(() => insert.run(...row).changes) === 1) copied++
  }
  const read = (order: '' | 'DESC'): string => {
    const keys = keysOf(into, table).map((key) => `${key} ${order}`)
    return `SELECT ${names} FROM ${table} NOT INDEXED ORDER BY ${keys.join(', ')}`
  }
  if (!readRows(from, read(''), copy)) readRows(from, read('DESC'), copy)
  return copied
}

/** What a table is in the order of: it can be walked from either end without an index. */
function keysOf(db: DatabaseSync, table: string): readonly string[] {
  const isWithoutRowid = db.prepare('SELECT wr FROM pragma_table_list(?)').get(table)?.['wr'] === 1
  if (!isWithoutRowid) return ['rowid']
  return db
    .prepare('SELECT name FROM pragma_table_info(?) WHERE pk > 0 ORDER BY pk')
    .all(table)
    .map((row) => String(row['name']))
}

/** False when the file broke the walk off. */
function readRows(db: DatabaseSync, sql: string, row: (values: SQLOutputValue[]) => void): boolean {
  const walked = attempt(() => {
    for (const values of db.prepare(sql).iterate()) row(Object.values(values))
    return true
  })
  return walked === true
}

function attempt<Result>(work: () => Result): Result | undefined {
  try {
    return work()
  } catch {
    // A broken file: what this would have read is lost, what comes after may not be.
    return undefined
  }
}
