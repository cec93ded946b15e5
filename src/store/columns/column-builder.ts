import type { DatabaseSync } from 'node:sqlite'
import { inTransaction } from '../migrate.ts'
import type { Row } from '../rows.ts'
import { type ColumnWriter, createColumnWriter, type PackedColumn } from './column-writer.ts'
import { packIds } from './packing.ts'
import { COLUMN_NAMES, COLUMN_ROWS } from './segment-columns.ts'

/** Rows in one step: others wait for this thread. */
const ROWS = 2_048
/** Of a segment's flows so many may have changed before its columns are read anew … */
const MAX_LATE = 1_000
/** … unless as many of them go on changing. */
const STILL_OPEN = 0.5

interface Building {
  readonly segment: number
  readonly first: number
  readonly end: number
  after: number
  readonly ids: number[]
  readonly writers: readonly (readonly [name: string, writer: ColumnWriter])[]
}

/** Makes the columns of segments that no new flow comes into any more, a small step at a time. */
export class ColumnBuilder {
  readonly #db: DatabaseSync
  readonly #maxLate: number
  #building: Building | undefined

  constructor(db: DatabaseSync, maxLate = MAX_LATE) {
    this.#db = db
    this.#maxLate = maxLate
  }

  /** Does a little; true when there is more to do. */
  step(): boolean {
    this.#building ??= this.#next()
    if (!this.#building) return false
    if (!this.#read(this.#building)) {
      this.#write(this.#building)
      this.#building = undefined
    }
    return true
  }

  /** A segment that has none, the newest first; else one of which too much has changed since. */
  #next(): Building | undefined {
    const found = this.#db
      .prepare(
        `SELECT * FROM (SELECT segment, first_id, lead(first_id) OVER (ORDER BY segment) AS end_id FROM segments)
         WHERE end_id IS NOT NULL AND (segment NOT IN (SELECT segment FROM segment_words WHERE name = 'class')
           OR segment IN (SELECT segment FROM late_flows JOIN flows USING (id, segment) GROUP BY segment
             HAVING count(*) > ${this.#maxLate} AND sum(ended IS NULL) < ${STILL_OPEN} * count(*)))
         ORDER BY segment DESC LIMIT 1`,
      )
      .get()
    if (!found) return undefined
    const [segment, first] = [Number(found['segment']), Number(found['first_id'])]
    inTransaction(this.#db, () => this.#forget(segment))
    return {
      ...{ segment, first, end: Number(found['end_id']), after: first - 1, ids: [] },
      writers: COLUMN_NAMES.map((name) => [name, createColumnWriter(name)]),
    }
  }

  /** Until its columns are there again a segment has none; what changes from now on is late. */
  #forget(segment: number): void {
    for (const table of ['segment_words', 'segment_codes', 'late_flows']) {
      this.#db.prepare(`DELETE FROM ${table} WHERE segment = ?`).run(segment)
    }
  }

  /** False when the last row was read. */
  #read(building: Building): boolean {
    const { after, end, ids, writers } = building
    const rows = this.#db.prepare(COLUMN_ROWS).all({ after, end, limit: ROWS }) as Row[]
    for (const row of rows) {
      ids.push(Number(row['id']))
      for (const [, writer] of writers) writer.add(row)
    }
    building.after = ids.at(-1) ?? after
    return rows.length === ROWS
  }

  #write({ segment, first, ids, writers }: Building): void {
    inTransaction(this.#db, () => {
      for (const [name, writer] of writers) this.#keep(name, segment, writer.pack())
      this.#db
        .prepare("INSERT INTO segment_codes (name, segment, codes) VALUES ('id', ?, ?)")
        .run(segment, packIds(ids, first))
    })
  }

  #keep(name: string, segment: number, column: PackedColumn | undefined): void {
    if (!column) return
    const { words, codes } = column
    this.#db
      .prepare('INSERT INTO segment_words (name, segment, words) VALUES (?, ?, ?)')
      .run(name, segment, words)
    if (!codes) return
    this.#db
      .prepare('INSERT INTO segment_codes (name, segment, codes) VALUES (?, ?, ?)')
      .run(name, segment, codes)
  }
}
