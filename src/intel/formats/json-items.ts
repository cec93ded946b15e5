import { type Fields, isFields, type JsonPath, Unusable } from './format.ts'

const MOST_ITEM_CHARACTERS = 1_048_576
const MOST_WORD_CHARACTERS = 8_192
const DEEPEST = 48

const QUOTE = 34
const BACKSLASH = 92
const OPEN_OBJECT = 123
const CLOSE_OBJECT = 125
const OPEN_ARRAY = 91
const CLOSE_ARRAY = 93
const COMMA = 44
const COLON = 58

export interface ItemReader {
  isItem(path: JsonPath): boolean
  item(item: Fields, path: JsonPath): void
  /** An item that is no JSON, or too large. */
  misfit(): void
  field?(path: JsonPath, value: unknown): void
}

/**
 * Finds the items in a JSON document that comes in pieces: only the item at hand is in memory. Between items it
 * follows brackets and keys; that what is around them is proper JSON is not its matter, but that it ends is.
 */
export class JsonItems {
  readonly #reader: ItemReader
  /** Of each open bracket: the key or `[]` under which a value stands now. */
  readonly #path: string[] = []
  #isInString = false
  #isEscaped = false
  /** The string or number at hand, outside of items. */
  #word = ''
  /** The item at hand; undefined outside, empty when it was given up. */
  #item: string | undefined
  #isGivenUp = false
  #itemDepth = 0
  #hasBegun = false

  constructor(reader: ItemReader) {
    this.#reader = reader
  }

  /** Throws `Unusable` when it is no JSON document of objects or lists. */
  write(text: string): void {
    let itemFrom = 0
    for (let at = 0; at < text.length; at++) {
      const code = text.charCodeAt(at)
      if (this.#item === undefined) {
        this.#between(code, text.charAt(at))
        if (this.#item !== undefined) itemFrom = at
      } else if (this.#within(code)) {
        this.#keep(text.slice(itemFrom, at + 1))
        this.#endItem()
      }
    }
    if (this.#item !== undefined) this.#keep(text.slice(itemFrom))
  }

  /** Throws `Unusable` when the document is not at its end. */
  finish(): void {
    if (!this.#hasBegun) throw new Unusable('is empty')
    if (this.#path.length > 0 || this.#item !== undefined) throw new Unusable('was cut off')
  }

  #between(code: number, character: string): void {
    if (this.#isInString) {
      this.#inWord(code, character)
      return
    }
    switch (code) {
      case QUOTE:
        this.#isInString = true
        this.#word = '"'
        return
      case OPEN_OBJECT:
      case OPEN_ARRAY:
        this.#open(code)
        return
      case CLOSE_OBJECT:
      case CLOSE_ARRAY:
        this.#endValue()
        if (this.#path.pop() === undefined) throw new Unusable('is no JSON')
        return
      case COLON:
        this.#takeKey()
        return
      case COMMA:
        this.#endValue()
        return
      default:
        if (code > 32) this.#addToWord(character)
    }
  }

  #inWord(code: number, character: string): void {
    this.#addToWord(character)
    if (this.#isEscaped) this.#isEscaped = false
    else if (code === BACKSLASH) this.#isEscaped = true
    else if (code === QUOTE) this.#isInString = false
  }

  #addToWord(character: string): void {
    if (!this.#hasBegun) throw new Unusable('is no JSON')
    if (this.#word.length < MOST_WORD_CHARACTERS) this.#word += character
  }

  #open(code: number): void {
    this.#hasBegun = true
    if (code === OPEN_OBJECT && this.#reader.isItem(this.#path)) {
      this.#item = ''
      this.#isGivenUp = false
      this.#itemDepth = 1
      return
    }
    if (this.#path.length === DEEPEST) throw new Unusable('is nested too deep')
    this.#path.push(code === OPEN_ARRAY ? '[]' : '')
    this.#word = ''
  }

  #takeKey(): void {
    const key = parsed(this.#word)
    this.#word = ''
    if (this.#path.length === 0 || typeof key !== 'string') throw new Unusable('is no JSON')
    this.#path[this.#path.length - 1] = key
  }

  #endValue(): void {
    if (this.#word !== '' && this.#reader.field) this.#reader.field(this.#path, parsed(this.#word))
    this.#word = ''
  }

  /** True at the bracket that ends the item. */
  #within(code: number): boolean {
    if (this.#isInString) {
      if (this.#isEscaped) this.#isEscaped = false
      else if (code === BACKSLASH) this.#isEscaped = true
      else if (code === QUOTE) this.#isInString = false
      return false
    }
    if (code === QUOTE) this.#isInString = true
    else if (code === OPEN_OBJECT || code === OPEN_ARRAY) this.#itemDepth++
    else if (code === CLOSE_OBJECT || code === CLOSE_ARRAY) this.#itemDepth--
    return this.#itemDepth === 0
  }

  #keep(text: string): void {
    if (this.#isGivenUp) return
    this.#item += text
    if ((this.#item?.length ?? 0) <= MOST_ITEM_CHARACTERS) return
    this.#item = ''
    this.#isGivenUp = true
  }

  #endItem(): void {
    const item = this.#isGivenUp ? undefined : parsed(this.#item ?? '')
    this.#item = undefined
    if (isFields(item)) this.#reader.item(item, this.#path)
    else this.#reader.misfit()
  }
}

/** Undefined when it is no JSON. */
export function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
