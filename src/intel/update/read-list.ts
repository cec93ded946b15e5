import { LineSplitter } from '#lib/line-splitter.ts'
import type { Indicator } from '#model/indicator.ts'
import { type Format, type JsonPath, type Sink, Unusable } from '../formats/format.ts'
import { JsonItems } from '../formats/json-items.ts'
import { ListBuilder, type ListBuilderOptions } from '../indicators/list-builder.ts'
import type { ListColumns } from '../indicators/list-columns.ts'

/** Beside the entries: what was in the list and is not in the columns. */
export interface ReadCounts {
  readonly taken: number
  /** What the format does not know. */
  readonly misfits: number
  /** Of no use: private or too wide, or nothing that can be matched alone. */
  readonly leftOut: number
}

export interface ReadOptions extends ListBuilderOptions {
  readonly format: Format
  /** Told of each entry that was taken, with the second since when it is on the list. */
  readonly onTaken?: (indicator: Indicator, sinceSeconds: number) => void
  /** Told of the plain values around the items. */
  readonly onField?: (path: JsonPath, value: unknown) => void
}

const WEB_PAGE = /^\s*(?:<\?xml[^>]*>\s*)?<(?:!doctype\s+html|html|head|body)\b/i
/** Beyond this share of misfits, and a handful of them, it is another format. */
const MOST_MISFITS = 0.2
const FEW_MISFITS = 10

/** Reads one list piece by piece: of the text only the line or the item at hand is in memory. */
export class ListReading {
  readonly #builder: ListBuilder
  readonly #decoder = new TextDecoder()
  readonly #options: ReadOptions
  #splitter: { write(text: string): void; finish(): void }
  #isFirst = true
  #taken = 0
  #misfits = 0
  #leftOut = 0

  constructor(options: ReadOptions) {
    this.#options = options
    this.#builder = new ListBuilder(options)
    this.#splitter = this.#splitterOf(options)
  }

  /** Throws `Unusable` for what cannot be a list of this format, and `TooManyEntries`. */
  write(bytes: Uint8Array): void {
    const text = this.#decoder.decode(bytes, { stream: true })
    if (this.#isFirst && text.trim() !== '') {
      this.#isFirst = false
      if (WEB_PAGE.test(text)) throw new Unusable('is a web page, not a list')
    }
    this.#splitter.write(text)
  }

  /** The end of one document; another of the same list may follow. */
  endDocument(): void {
    this.#splitter.write(this.#decoder.decode())
    this.#splitter.finish()
    this.#splitter = this.#splitterOf(this.#options)
    this.#isFirst = true
  }

  /** Throws `Unusable` when most of it is not what the format says. */
  finish(): { readonly columns: ListColumns; readonly counts: ReadCounts } {
    const counts = { taken: this.#taken, misfits: this.#misfits, leftOut: this.#leftOut }
    const all = this.#taken + this.#misfits + this.#leftOut
    if (this.#misfits > FEW_MISFITS && this.#misfits > MOST_MISFITS * all)
      throw new Unusable(`is not in its format: ${this.#misfits} of ${all} entries cannot be read`)
    return { columns: this.#builder.finish(), counts }
  }

  #splitterOf({ format, onTaken, onField }: ReadOptions) {
    const sink: Sink = {
      take: (indicator) => this.#take(indicator, onTaken),
      misfit: () => void this.#misfits++,
      pass: () => void this.#leftOut++,
    }
    if (format.shape === 'lines') return new LineSplitter(format.open(sink), sink.misfit)
    const { isItem } = format
    const items = { isItem, item: format.open(sink), misfit: sink.misfit }
    return new JsonItems({ ...items, ...(onField && { field: onField }) })
  }

  #take(indicator: Indicator, onTaken: ReadOptions['onTaken']): void {
    const left = this.#builder.add(indicator)
    if (left === 'unreadable') this.#misfits++
    else if (left !== undefined) this.#leftOut++
    else {
      this.#taken++
      onTaken?.(indicator, this.#builder.sinceSeconds)
    }
  }
}
