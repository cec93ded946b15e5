import type { Facts } from './list-columns.ts'
import { rowOrder } from './row-order.ts'

/** What is said of one entry, as the columns hold it. */
export interface RowFacts {
  readonly sinceSeconds: number
  readonly untilSeconds: number
  readonly confidence: number
  readonly reason: number
}

const FIRST_ROOM = 256

/** Rows of 32-bit words and their facts while a list is read; columns that say nothing take no room. */
export class GrowingRows {
  count = 0
  #words: Uint32Array[]
  #bits: Uint8Array = new Uint8Array(FIRST_ROOM)
  #since: Uint32Array = new Uint32Array(FIRST_ROOM)
  #until: Uint32Array | undefined
  #confidence: Uint8Array | undefined
  #reason: Uint16Array | undefined

  constructor(words: number) {
    this.#words = Array.from({ length: words }, () => new Uint32Array(FIRST_ROOM))
  }

  add(words: Uint32Array, bits: number, facts: RowFacts): void {
    const row = this.count
    if (row === this.#bits.length) this.#grow()
    for (const [at, column] of this.#words.entries()) column[row] = words[at] as number
    this.#bits[row] = bits
    this.#since[row] = facts.sinceSeconds
    this.#addRare(row, facts)
    this.count++
  }

  #addRare(row: number, { untilSeconds, confidence, reason }: RowFacts): void {
    const room = this.#bits.length
    if (untilSeconds !== 0) {
      this.#until ??= new Uint32Array(room)
      this.#until[row] = untilSeconds
    }
    if (confidence !== 0) {
      this.#confidence ??= new Uint8Array(room)
      this.#confidence[row] = confidence
    }
    if (reason !== 0) {
      this.#reason ??= new Uint16Array(room)
      this.#reason[row] = reason
    }
  }

  /** In order of words and bits, equal rows once: the one that came first. */
  sorted(): { readonly words: Uint32Array[]; readonly bits: Uint8Array; readonly facts: Facts } {
    const widths = Uint32Array.from(this.#bits.subarray(0, this.count))
    const order = rowOrder([...this.#words, widths], this.count)
    const kept = this.#withoutRepeats(order)
    return {
      words: this.#words.map((column) => picked(column, kept)),
      bits: picked(this.#bits, kept),
      facts: {
        since: picked(this.#since, kept),
        ...(this.#until && { until: picked(this.#until, kept) }),
        ...(this.#confidence && { confidence: picked(this.#confidence, kept) }),
        ...(this.#reason && { reason: picked(this.#reason, kept) }),
      },
    }
  }

  #withoutRepeats(order: Uint32Array): Uint32Array {
    let kept = 0
    for (const row of order) {
      if (kept > 0 && this.#isSame(order[kept - 1] as number, row)) continue
      order[kept++] = row
    }
    return order.subarray(0, kept)
  }

  #isSame(a: number, b: number): boolean {
    return this.#bits[a] === this.#bits[b] && this.#words.every((column) => column[a] === column[b])
  }

  #grow(): void {
    const room = 2 * this.#bits.length
    this.#words = this.#words.map((column) => widened(column, room))
    this.#bits = widened(this.#bits, room)
    this.#since = widened(this.#since, room)
    this.#until &&= widened(this.#until, room)
    this.#confidence &&= widened(this.#confidence, room)
    this.#reason &&= widened(this.#reason, room)
  }
}

type Column = Uint8Array | Uint16Array | Uint32Array

const sameKind = <Kind extends Column>(column: Kind, length: number): Kind =>
  new (column.constructor as new (length: number) => Kind)(length)

function widened<Kind extends Column>(column: Kind, room: number): Kind {
  const wider = sameKind(column, room)
  wider.set(column)
  return wider
}

function picked<Kind extends Column>(column: Kind, rows: Uint32Array): Kind {
  const chosen: Column = sameKind(column, rows.length)
  for (let at = 0; at < rows.length; at++) chosen[at] = column[rows[at] as number] as number
  return chosen as Kind
}
