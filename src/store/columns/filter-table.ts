import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { FILTER_PARTS, filterOf, mayHold, partOf } from './filter.ts'

/** A segment has filters once it has a column of this name, which is empty. */
export const FILTERS = 'filters'

/** From one part to before another. */
export type PartRange = readonly [from: number, to: number]

/** The filters of one database. */
export class FilterTable {
  readonly #insert: StatementSync
  readonly #remove: StatementSync
  readonly #ofPart: StatementSync
  readonly #gone: StatementSync

  constructor(db: DatabaseSync) {
    this.#insert = db.prepare('INSERT INTO segment_filters (part, segment, filter) VALUES (?, ?, ?)')
    this.#remove = db.prepare('DELETE FROM segment_filters WHERE part = ? AND segment = ?')
    this.#ofPart = db.prepare('SELECT segment, filter FROM segment_filters WHERE part = ?')
    // Part 0 is written first.
    this.#gone = db.prepare(
      'SELECT segment FROM segment_filters WHERE part = 0 AND segment NOT IN (SELECT segment FROM segments)',
    )
  }

  /** Writes some parts of a segment. */
  write(segment: number, parts: readonly ReadonlySet<number>[], [from, to]: PartRange): void {
    for (let part = from; part < to; part++)
      this.#insert.run(part, segment, filterOf([...(parts[part] ?? [])]))
  }

  remove(segment: number, [from, to]: PartRange = [0, FILTER_PARTS]): void {
    for (let part = from; part < to; part++) this.#remove.run(part, segment)
  }

  /** Of segments that are no more. */
  removeGone(): void {
    for (const { segment } of this.#gone.all()) this.remove(Number(segment))
  }

  /** The segments that may hold the key, of those that have filters. */
  segmentsWith(key: number): number[] {
    const segments: number[] = []
    for (const { segment, filter } of this.#ofPart.iterate(partOf(key)))
      if (mayHold(filter as Uint8Array, key)) segments.push(Number(segment))
    return segments
  }
}
