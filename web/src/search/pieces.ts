import type { Connection } from '../../../src/contract/schemas.ts'
import { matches as fits } from '../../../src/contract/search/matches.ts'
import { parseSearch } from '../../../src/contract/search/parse.ts'
import type { Search, SearchError } from '../../../src/contract/search/search.ts'

/** One word of a search as it was typed; `key` and `value` only where it has a key and can be read. */
export interface Piece {
  readonly text: string
  readonly key?: string
  readonly value?: string
  readonly isNot: boolean
  readonly isReadable: boolean
}

/** Words, with the spaces that stand within quotes. An open quote reaches to the end. */
const PIECE = /(?:"(?:\\.|[^"\\])*(?:"|$)|[^\s"])+/gu
const KEYED = /^-?([a-z]{2,}):(.*)$/isu

/** Cuts a search into its words. A word with a key that can be read is what the box shows as a chip. */
export function piecesOf(query: string, now: number): Piece[] {
  return [...query.matchAll(PIECE)].map(([text]) => {
    const parsed = parseSearch(text, now)
    const isReadable = parsed.state === 'search'
    const isKeyed = isReadable && parsed.search.terms[0]?.key !== 'word'
    const [, key, value] = (isKeyed && KEYED.exec(text)) || []
    return {
      text,
      isNot: text.startsWith('-'),
      isReadable,
      ...(key !== undefined && value !== undefined && { key: key.toLowerCase(), value }),
    }
  })
}

export const isChip = ({ key }: Piece): boolean => key !== undefined

export const joined = (pieces: readonly Piece[]): string => pieces.map(({ text }) => text).join(' ')

/** What can be read of a search, and the first thing that cannot. */
export interface Understood {
  readonly search: Search
  /** The same in words, for the API. */
  readonly query: string
  readonly error?: SearchError
}

/** Reads a search. Where it goes wrong, the words that can be read still count. `now` in milliseconds since the epoch. */
export function understand(query: string, now: number): Understood {
  const parsed = parseSearch(query, now)
  if (parsed.state === 'search') return { search: parsed.search, query }
  const readable = joined(piecesOf(query, now).filter(({ isReadable }) => isReadable))
  const rest = parseSearch(readable, now)
  return rest.state === 'search'
    ? { search: rest.search, query: readable, error: parsed.error }
    : { search: { terms: [] }, query: '', error: parsed.error }
}

/** Says whether a connection is what the search asks for. `isOver` tells that the page heard of its end. */
export const matches = (search: Search, connection: Connection, isOver: boolean): boolean =>
  search.terms.length === 0 ||
  fits(search, isOver && connection.ended === undefined ? { ...connection, ended: 'over' } : connection)

/** A value as it must be written so that it stands for itself. */
export const quoted = (value: string): string =>
  /[\s",*\\]|^[-=<>]|^$/u.test(value) ? `"${value.replaceAll(/["\\]/gu, '\\$&')}"` : value
