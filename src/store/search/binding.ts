import type { DatabaseSync } from 'node:sqlite'
import { fitsText, type TextPattern } from '#contract/search/text-pattern.ts'
import type { Values } from '../rows.ts'
import { type IdSet, idSetOf } from './id-set.ts'

/** More ids are not put into a table: that takes longer than to ask for those of a page of flows. */
const MAX_PICKED = 500

/** What one search puts into its SQL: values by name, sets of ids, patterns. Nothing that was typed becomes SQL. */
export class Binding {
  readonly values: Values = {}
  readonly patterns: TextPattern[] = []
  readonly idSets: IdSet[] = []
  readonly #db: DatabaseSync
  #sets = 0

  /** Ends the sets of the search before: one search runs at a time. */
  constructor(db: DatabaseSync) {
    this.#db = db
    db.exec('DELETE FROM temp.picked')
  }

  /** The name of a bound value: `$v3`. */
  value(value: Values[string]): string {
    const name = `v${Object.keys(this.values).length}`
    this.values[name] = value
    return `$${name}`
  }

  /** A condition: true where `column` is one of the ids. */
  among(column: string, ids: readonly number[]): string {
    if (ids.length === 0) return '0'
    if (ids.length > MAX_PICKED) {
      this.idSets.push(idSetOf(ids))
      return `gatehouse_among(${this.idSets.length - 1}, ${column})`
    }
    const set = ++this.#sets
    this.#db
      .prepare('INSERT OR IGNORE INTO temp.picked (part, id) SELECT ?, value FROM json_each(?)')
      .run(set, JSON.stringify(ids))
    return `EXISTS (SELECT 1 FROM temp.picked WHERE part = ${set} AND id = ${column})`
  }

  /** A condition: true where the text in `column` fits. */
  fits(column: string, pattern: TextPattern): string {
    this.patterns.push(pattern)
    return `gatehouse_fits(${this.patterns.length - 1}, ${column})`
  }
}

/** Addresses that blocks in force name. */
export interface BlockedAddresses {
  has(address: Uint8Array): boolean
}

/** What the functions of a database look at while a search runs. */
export interface SearchState {
  patterns: readonly TextPattern[]
  idSets: readonly IdSet[]
  blocked: BlockedAddresses
}

/** Gives a database what conditions need: a table for sets, and three functions. Answers what these look at. */
export function prepareForSearch(db: DatabaseSync): SearchState {
  const state: SearchState = { patterns: [], idSets: [], blocked: { has: () => false } }
  db.exec(
    'CREATE TEMP TABLE IF NOT EXISTS picked (part INTEGER, id INTEGER, PRIMARY KEY (part, id)) WITHOUT ROWID',
  )
  db.function('gatehouse_fits', (at, text) => {
    const pattern = state.patterns[Number(at)]
    return Number(pattern !== undefined && typeof text === 'string' && fitsText(pattern, text))
  })
  db.function('gatehouse_among', (at, id) =>
    Number(typeof id === 'number' && state.idSets[Number(at)]?.has(id) === true),
  )
  db.function('gatehouse_blocked', (address) =>
    Number(address instanceof Uint8Array && state.blocked.has(address)),
  )
  return state
}
