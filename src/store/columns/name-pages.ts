import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { TextPattern } from '#contract/search/text-pattern.ts'
import { inTransaction } from '../migrate.ts'
import { namesThatFit, packNames } from './packed-names.ts'

/** Names whose ids differ in what is below this are in one page. */
const PAGE = 1024

/**
 * The names of peers, a thousand in a row, for searches by pattern: reading them one by one is slow when they are many.
 * The highest names, of which a page is not full, have none. Pages hold what the table of names holds, always: who
 * removes names renews their pages in the same transaction.
 */
export class NamePages {
  readonly #db: DatabaseSync
  readonly #statements: Readonly<
    Record<'pages' | 'next' | 'first' | 'highest' | 'names' | 'insert' | 'remove', StatementSync>
  >

  constructor(db: DatabaseSync) {
    this.#db = db
    this.#statements = {
      pages: db.prepare('SELECT page, places, texts FROM name_pages ORDER BY page'),
      next: db.prepare('SELECT ifnull(max(page) + 1, 0) AS page FROM name_pages'),
      first: db.prepare('SELECT min(id) AS id FROM names WHERE id >= ?'),
      highest: db.prepare('SELECT max(id) AS id FROM names'),
      names: db.prepare('SELECT id, name FROM names WHERE id >= ? AND id < ? ORDER BY id'),
      insert: db.prepare('INSERT OR REPLACE INTO name_pages (page, places, texts) VALUES (?, ?, ?)'),
      remove: db.prepare('DELETE FROM name_pages WHERE page = ?'),
    }
  }

  /** Packs one page; true when there may be more to do. */
  step(): boolean {
    const first = this.#statements.first.get(this.#unpackedFrom())?.['id'] ?? undefined
    if (first === undefined) return false
    const page = Math.floor(Number(first) / PAGE)
    if (this.#highest() < (page + 1) * PAGE) return false
    inTransaction(this.#db, () => this.#pack(page))
    return true
  }

  /** After names with ids from `first` to `last` were removed, in the same transaction. */
  renew(first: number, last: number): void {
    const unpackedFrom = this.#unpackedFrom()
    const highest = this.#highest()
    for (let page = Math.floor(first / PAGE); page * PAGE <= Math.min(last, unpackedFrom - 1); page++) {
      // Ids above the highest are given anew: a page that has room for them is none.
      if (highest < (page + 1) * PAGE) this.#statements.remove.run(page)
      else this.#pack(page)
    }
  }

  /** Ids of the names that fit. */
  ids(pattern: TextPattern): number[] {
    const ids: number[] = []
    for (const { page, places, texts } of this.#statements.pages.iterate()) {
      const fitting = namesThatFit(pattern, { places: places as Uint8Array, texts: texts as Uint8Array })
      for (const place of fitting) ids.push(Number(page) * PAGE + place)
    }
    const unpacked = packNames(this.#names(this.#unpackedFrom(), Number.MAX_SAFE_INTEGER))
    for (const place of namesThatFit(pattern, unpacked)) ids.push(place)
    return ids
  }

  #unpackedFrom(): number {
    return Number(this.#statements.next.get()?.['page']) * PAGE
  }

  #highest(): number {
    return Number(this.#statements.highest.get()?.['id'] ?? 0)
  }

  #pack(page: number): void {
    const names = this.#names(page * PAGE, (page + 1) * PAGE)
    if (names.length === 0) {
      this.#statements.remove.run(page)
      return
    }
    const { places, texts } = packNames(names.map(([id, name]) => [id - page * PAGE, name]))
    this.#statements.insert.run(page, places, texts)
  }

  #names(from: number, below: number): [id: number, name: string][] {
    return this.#statements.names.all(from, below).map(({ id, name }) => [Number(id), String(name)])
  }
}
