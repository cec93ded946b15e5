import type { DatabaseSync } from 'node:sqlite'
import { fitsText, type TextPattern } from '#contract/search/text-pattern.ts'
import type { Owner } from '#model/owner.ts'
import { homeOf, type Row, type Values } from '../rows.ts'

/** A row that only flows of these segments refer to. */
export interface Spanned {
  readonly id: number
  readonly first: number
  readonly last: number
}

/** Beyond this many a value is common: then flows are walked, not rows picked. */
const MAX_SPANNED = 20_000

/** Which rows of the small tables fit: what is typed is compared here, by the same code as on the page. */
export class DimensionIds {
  readonly #db: DatabaseSync

  constructor(db: DatabaseSync) {
    this.#db = db
  }

  programs(fits: (program: { readonly name: string; readonly path: string }) => boolean): number[] {
    return this.#ids('SELECT id, name, path FROM programs', (row) =>
      fits({ name: String(row['name']), path: String(row['path']) }),
    )
  }

  homes(fits: (home: Pick<Owner, 'uid' | 'user' | 'unit' | 'container'>) => boolean): number[] {
    return this.#ids('SELECT * FROM homes', (row) => fits(homeOf(row)))
  }

  names(pattern: TextPattern): number[] {
    return this.#ids('SELECT id, name FROM names', (row) => fitsText(pattern, String(row['name'])))
  }

  networks(pattern: TextPattern): number[] {
    return this.#ids('SELECT asn AS id, name FROM networks', (row) => fitsText(pattern, String(row['name'])))
  }

  /** `condition` is of ours, its values are bound. Absent: too many. */
  owners(condition: string, values: Values): Spanned[] | undefined {
    const sql = `SELECT id, first_segment AS first, last_segment AS last FROM owners WHERE ${condition}`
    return this.#spans(sql, values)
  }

  nameSpans(ids: readonly number[]): Spanned[] | undefined {
    if (ids.length > MAX_SPANNED) return undefined
    const sql = `SELECT id, first_segment AS first, last_segment AS last FROM names
      WHERE id IN (SELECT value FROM json_each($ids))`
    return this.#spans(sql, { ids: JSON.stringify(ids) })
  }

  #spans(sql: string, values: Values): Spanned[] | undefined {
    const spans: Spanned[] = []
    for (const row of this.#db.prepare(sql).iterate(values)) {
      if (spans.length === MAX_SPANNED) return undefined
      spans.push({ id: Number(row['id']), first: Number(row['first']), last: Number(row['last']) })
    }
    return spans
  }

  #ids(sql: string, fits: (row: Row) => boolean): number[] {
    const ids: number[] = []
    for (const row of this.#db.prepare(sql).iterate()) if (fits(row)) ids.push(Number(row['id']))
    return ids
  }
}
