import type { DatabaseSync } from 'node:sqlite'
import { fitsText, type TextPattern } from '#contract/search/text-pattern.ts'
import type { Owner } from '#model/owner.ts'
import { NamePages } from '../columns/name-pages.ts'
import { homeOf, type Row, type Values } from '../rows.ts'

/** A row that only flows of these segments refer to. */
export interface Spanned {
  readonly id: number
  readonly first: number
  readonly last: number
}

/** Beyond this many a value is common: then columns lead, or flows are walked. Each may be a read of its own. */
const MAX_SPANNED = 500

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
    return new NamePages(this.#db).ids(pattern)
  }

  /** The segments that use these names. */
  spansOfNames(ids: readonly number[]): Spanned[] {
    const row = this.#db.prepare(
      'SELECT id, first_segment AS first, last_segment AS last FROM names WHERE id = ?',
    )
    return ids.flatMap((id) => {
      const found = row.get(id)
      return found ? [spannedOf(found)] : []
    })
  }

  /** Texts of what interpreters run, in any owner. */
  scripts(pattern: TextPattern): string[] {
    const rows = this.#db.prepare('SELECT DISTINCT script FROM owners WHERE script IS NOT NULL')
    const scripts: string[] = []
    for (const { script } of rows.iterate())
      if (fitsText(pattern, String(script))) scripts.push(String(script))
    return scripts
  }

  networks(pattern: TextPattern): number[] {
    return this.#ids('SELECT asn AS id, name FROM networks', (row) => fitsText(pattern, String(row['name'])))
  }

  /** `condition` is of ours, its values are bound. Absent: too many. */
  owners(condition: string, values: Values): Spanned[] | undefined {
    const sql = `SELECT id, first_segment AS first, last_segment AS last FROM owners WHERE ${condition}`
    return this.#spans(sql, values)
  }

  #spans(sql: string, values: Values): Spanned[] | undefined {
    const spans: Spanned[] = []
    for (const row of this.#db.prepare(sql).iterate(values)) {
      if (spans.length === MAX_SPANNED) return undefined
      spans.push(spannedOf(row))
    }
    return spans
  }

  #ids(sql: string, fits: (row: Row) => boolean): number[] {
    const ids: number[] = []
    for (const row of this.#db.prepare(sql).iterate()) if (fits(row)) ids.push(Number(row['id']))
    return ids
  }
}

const spannedOf = (row: Row): Spanned => ({
  id: Number(row['id']),
  first: Number(row['first']),
  last: Number(row['last']),
})
