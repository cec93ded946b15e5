import type { DatabaseSync } from 'node:sqlite'
import { inTransaction } from '../migrate.ts'
import type { Row } from '../rows.ts'
import { type ColumnWriter, createColumnWriter, type PackedColumn } from './column-writer.ts'
import { FILTER_PARTS } from './filter.ts'
import { KeyWriter } from './filter-keys.ts'
import { FILTERS, FilterTable, type PartRange } from './filter-table.ts'
import { NamePages } from './name-pages.ts'
import { packIds } from './packing.ts'
import { COLUMN_NAMES, COLUMN_ROWS, type ColumnName, SMALL_COLUMNS } from './segment-columns.ts'

/** Rows, and parts of filters from one to before another, in one step: others wait for this thread. */
const ROWS = 256
const PARTS = 32
const PART_RANGES: readonly PartRange[] = Array.from({ length: FILTER_PARTS / PARTS }, (_, at) => [
  at * PARTS,
  (at + 1) * PARTS,
])
/** Of a segment's flows so many may have changed before its columns are read anew … */
const MAX_LATE = 1_000
/** … unless as many of those that were looked at go on changing. */
const STILL_OPEN = 0.5
const LOOKED_AT = 500

/** A segment has columns once it has this one. */
const LAST_COLUMN: ColumnName = 'class'

interface Segment {
  readonly segment: number
  readonly first: number
  readonly end: number
}

/** What is gathered of a segment. */
interface Gathered {
  readonly ids: number[]
  readonly keys: KeyWriter
  readonly writers: readonly (readonly [name: ColumnName, writer: ColumnWriter])[]
}

/** Makes what searches read instead of flows: of segments that no new flow comes into any more, a small step at a time. */
export class ColumnBuilder {
  readonly #db: DatabaseSync
  readonly #maxLate: number
  readonly #names: NamePages
  readonly #filters: FilterTable
  #steps: Iterator<void> | undefined

  constructor(db: DatabaseSync, maxLate = MAX_LATE) {
    this.#db = db
    this.#maxLate = maxLate
    this.#names = new NamePages(db)
    this.#filters = new FilterTable(db)
  }

  /** Does a little; true when there is more to do. */
  step(): boolean {
    if (!this.#steps && this.#names.step()) return true
    this.#steps ??= this.#begin()
    if (!this.#steps) return false
    try {
      if (this.#steps.next().done) this.#steps = undefined
    } catch (error) {
      // A full disk: the segment begins anew.
      this.#steps = undefined
      throw error
    }
    return true
  }

  #begin(): Iterator<void> | undefined {
    const next = this.#unbuilt() ?? this.#changed()
    return next && this.#build(next)
  }

  /** A segment that lacks something, the newest first. */
  #unbuilt(): Segment | undefined {
    return this.#segment(
      'segment NOT IN (SELECT segment FROM segment_words WHERE name = $name) ORDER BY segment DESC LIMIT 1',
      { name: FILTERS },
    )
  }

  /** One of which too much has changed since. */
  #changed(): Segment | undefined {
    const changed = this.#db
      .prepare('SELECT segment FROM late_flows GROUP BY segment HAVING count(*) > ?')
      .all(this.#maxLate)
    const most = this.#db.prepare(
      `SELECT avg(ended IS NULL) AS open FROM (SELECT id FROM late_flows WHERE segment = ? LIMIT ${LOOKED_AT})
       JOIN flows USING (id)`,
    )
    for (const { segment } of changed) {
      const open = most.get(segment ?? 0)?.['open'] ?? undefined
      if (open !== undefined && Number(open) < STILL_OPEN)
        return this.#segment('segment = $segment', { segment: Number(segment) })
    }
    return undefined
  }

  /** The newest segment has no end yet: it is none of these. */
  #segment(condition: string, values: Record<string, string | number>): Segment | undefined {
    const found = this.#db
      .prepare(
        `SELECT * FROM (SELECT segment, first_id, lead(first_id) OVER (ORDER BY segment) AS end_id FROM segments)
         WHERE end_id IS NOT NULL AND ${condition}`,
      )
      .get(values)
    return (
      found && {
        segment: Number(found['segment']),
        first: Number(found['first_id']),
        end: Number(found['end_id']),
      }
    )
  }

  *#build(about: Segment): Generator<void, void> {
    const { segment, first } = about
    yield* this.#forget(segment)
    const { ids, keys, writers } = yield* this.#read(about)
    for (const [name, writer] of writers) {
      if (name === LAST_COLUMN) continue
      inTransaction(this.#db, () => this.#keep(name, segment, writer.pack()))
      yield
    }
    yield* this.#writeFilters(segment, keys)
    const last = writers.find(([name]) => name === LAST_COLUMN)?.[1].pack()
    inTransaction(this.#db, () => {
      this.#keep('id', segment, { codes: packIds(ids, first) })
      this.#keep(LAST_COLUMN, segment, last)
      this.#keep(FILTERS, segment, { words: new Uint8Array() })
    })
  }

  /** Until its columns are there again a segment has none, from the first step on; what changes from then on is late. */
  *#forget(segment: number): Generator<void, void> {
    inTransaction(this.#db, () => {
      for (const table of ['segment_words', 'late_flows'])
        this.#db.prepare(`DELETE FROM ${table} WHERE segment = ?`).run(segment)
    })
    yield
    const codes = this.#db.prepare('DELETE FROM segment_codes WHERE name = ? AND segment = ?')
    for (const name of ['id', ...COLUMN_NAMES]) {
      codes.run(name, segment)
      yield
    }
    for (const parts of PART_RANGES) {
      inTransaction(this.#db, () => this.#filters.remove(segment, parts))
      yield
    }
  }

  *#read({ first, end }: Segment): Generator<void, Gathered> {
    const ids: number[] = []
    const keys = new KeyWriter()
    const writers = COLUMN_NAMES.map((name) => [name, createColumnWriter(name)] as const)
    const statement = this.#db.prepare(COLUMN_ROWS)
    for (let after = first - 1, count: number = ROWS; count === ROWS; ) {
      const rows = statement.all({ after, end, limit: ROWS }) as Row[]
      for (const row of rows) {
        ids.push(Number(row['id']))
        keys.add(row)
        for (const [, writer] of writers) writer.add(row)
      }
      count = rows.length
      after = ids.at(-1) ?? after
      yield
    }
    return { ids, keys, writers }
  }

  *#writeFilters(segment: number, keys: KeyWriter): Generator<void, void> {
    for (const range of PART_RANGES) {
      yield
      inTransaction(this.#db, () => this.#filters.write(segment, keys.parts, range))
    }
    yield
  }

  #keep(name: string, segment: number, column: Partial<PackedColumn> | undefined): void {
    const isSmall = name === FILTERS || SMALL_COLUMNS.has(name)
    if (isSmall && column?.words) {
      this.#db
        .prepare('INSERT INTO segment_words (name, segment, words) VALUES (?, ?, ?)')
        .run(name, segment, column.words)
    }
    const words = isSmall ? undefined : column?.words
    if (!words && !column?.codes) return
    this.#db
      .prepare('INSERT INTO segment_codes (name, segment, words, codes) VALUES (?, ?, ?, ?)')
      .run(name, segment, words ?? null, column?.codes ?? null)
  }
}
