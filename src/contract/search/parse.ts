import { nearestWord } from '#lib/nearest-word.ts'
import { SAME_KEYS, SEARCH_KEYS, type Search, type SearchError, type SearchKey, type Term } from './search.ts'
import { readTokens, type Token, Unreadable } from './tokens.ts'
import { atLeastOne, readTest, readWord } from './values.ts'

export const MAX_QUERY_LENGTH = 1000
const MAX_TERMS = 32
const MAX_VALUES = 64

export type ParsedSearch =
  | { readonly state: 'search'; readonly search: Search }
  | { readonly state: 'error'; readonly error: SearchError }

/**
 * Reads a search such as `app:curl -dst:10.0.0.0/8 port:>1024 since:2h`. `now` in milliseconds since the epoch: times
 * that are counted back become absolute. Stops at the first thing that it cannot read.
 */
export function parseSearch(query: string, now: number): ParsedSearch {
  try {
    if (query.length > MAX_QUERY_LENGTH) throw tooLong(query)
    const tokens = readTokens(query)
    const surplus = tokens[MAX_TERMS]
    if (surplus) throw new Unreadable(surplus, `A search has at most ${MAX_TERMS} terms.`)
    return { state: 'search', search: { terms: tokens.map((token) => termOf(token, now)) } }
  } catch (error) {
    if (error instanceof Unreadable) return { state: 'error', error: error.errorIn(query) }
    throw error
  }
}

function termOf(token: Token, now: number): Term {
  const { isNot, at, length, pieces } = token
  const surplus = pieces[MAX_VALUES]
  if (surplus) throw new Unreadable(atLeastOne(surplus), `A term has at most ${MAX_VALUES} values.`)
  if (token.key === undefined) {
    const words = pieces.filter((piece) => piece.text !== '' || piece.isQuoted)
    return { key: 'word', isNot, anyOf: words.map(readWord), at, length }
  }
  const key = keyOf(token.key, token)
  return { key, isNot, anyOf: pieces.map((piece) => readTest(key, piece, now)), at, length }
}

function keyOf(word: string, token: Token): SearchKey {
  const lower = word.toLowerCase()
  if (Object.hasOwn(SEARCH_KEYS, lower)) return lower as SearchKey
  if (Object.hasOwn(SAME_KEYS, lower)) return SAME_KEYS[lower] as SearchKey
  const near = nearestWord(lower, [...Object.keys(SEARCH_KEYS), ...Object.keys(SAME_KEYS)])
  throw new Unreadable(
    { at: token.keyAt, length: word.length },
    `There is no key "${word}". Expected one of ${Object.keys(SEARCH_KEYS).join(', ')}.`,
    near === undefined ? `To look for it as it stands, quote it: "${word}:…"` : `Did you mean ${near}:?`,
  )
}

const tooLong = (query: string): Unreadable =>
  new Unreadable(
    { at: MAX_QUERY_LENGTH, length: query.length - MAX_QUERY_LENGTH },
    `A search has at most ${MAX_QUERY_LENGTH} characters.`,
  )
