import type { SearchError } from './search.ts'

/** One of the values of a word, split at the commas that are not quoted. */
export interface Piece {
  /** The value without quotes and escapes. */
  readonly text: string
  /** Where `*` stands in `text` and means anything. */
  readonly stars: readonly number[]
  readonly isQuoted: boolean
  readonly at: number
  readonly length: number
}

/** One word of a search: `-key:value,"other value"`. */
export interface Token {
  readonly isNot: boolean
  readonly key?: string
  readonly keyAt: number
  readonly pieces: readonly Piece[]
  readonly at: number
  readonly length: number
}

/** Throws its argument: `readTokens` and the readers of values stop at the first error. */
export class Unreadable extends Error {
  readonly at: number
  readonly length: number
  readonly hint: string | undefined

  constructor(place: { readonly at: number; readonly length: number }, message: string, hint?: string) {
    super(message)
    this.at = place.at
    this.length = place.length
    this.hint = hint
  }

  errorIn(query: string): SearchError {
    const { at, length, message, hint } = this
    return { query, at, length, message, ...(hint !== undefined && { hint }) }
  }
}

const SPACE = /\s/
/** Two letters at least: `a::1` is an address. */
const KEY = /([A-Za-z]{2,}):/y
const ADDRESS = /[0-9a-f]*:[0-9a-f:.]*:[0-9a-f:.]*(?=[\s/%-]|$)/iy

/** Cuts a search into its words. Throws `Unreadable`. */
export function readTokens(query: string): Token[] {
  const tokens: Token[] = []
  for (let at = 0; at < query.length; ) {
    if (SPACE.test(query[at] as string)) {
      at++
      continue
    }
    const token = readToken(query, at)
    tokens.push(token)
    at += token.length
  }
  return tokens
}

function readToken(query: string, start: number): Token {
  const isNot = query[start] === '-'
  const keyAt = start + Number(isNot)
  const key = keyOf(query, keyAt)
  const valueAt = keyAt + (key === undefined ? 0 : key.length + 1)
  const { pieces, end } = readPieces(query, valueAt)
  const place = { at: start, length: Math.max(1, end - start) }
  if (isNot && key === undefined && pieces.every(isEmpty)) {
    throw new Unreadable(place, 'After - comes what must not be.', 'For example -port:22, or -curl.')
  }
  return { isNot, ...(key !== undefined && { key }), keyAt, pieces, ...place }
}

const isEmpty = (piece: Piece): boolean => piece.text === '' && !piece.isQuoted

function keyOf(query: string, at: number): string | undefined {
  ADDRESS.lastIndex = at
  if (ADDRESS.test(query)) return undefined
  KEY.lastIndex = at
  return KEY.exec(query)?.[1]
}

interface Reading {
  text: string
  stars: number[]
  isQuoted: boolean
  at: number
}

function readPieces(query: string, start: number): { readonly pieces: Piece[]; readonly end: number } {
  const pieces: Piece[] = []
  let now: Reading = begin(start)
  let at = start
  const finish = (): void => void pieces.push({ ...now, length: at - now.at })
  while (at < query.length && !SPACE.test(query[at] as string)) {
    const character = query[at] as string
    if (character === '"') {
      at = readQuoted(query, at, now)
      continue
    }
    if (character === ',') {
      finish()
      now = begin(at + 1)
    } else {
      if (character === '*') now.stars.push(now.text.length)
      now.text += character
    }
    at++
  }
  finish()
  return { pieces, end: at }
}

const begin = (at: number): Reading => ({ text: '', stars: [], isQuoted: false, at })

/** Answers the place after the closing quote. Within quotes `\"` and `\\` are a quote and a backslash. */
function readQuoted(query: string, start: number, into: Reading): number {
  into.isQuoted = true
  for (let at = start + 1; at < query.length; at++) {
    if (query[at] === '"') return at + 1
    if (query[at] === '\\' && at + 1 < query.length) at++
    into.text += query[at]
  }
  const place = { at: start, length: query.length - start }
  throw new Unreadable(place, 'This quote is not closed.', 'Write the value as "two words".')
}
