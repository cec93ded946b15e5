import type { Command } from 'commander'
import { caretText } from '#contract/search/caret.ts'
import { parseSearch } from '#contract/search/parse.ts'
import { SEARCH_KEYS } from '#contract/search/search.ts'
import { Failure } from './failure.ts'
import { parseDuration } from './words.ts'

/**
 * The words of a search as the parameter `q` of a path, or nothing. What cannot be read fails here, with a caret, before
 * anybody is asked. A word that the shell had in quotes is quoted again.
 */
export function queryOf(words: readonly string[], now: number): string {
  const query = words
    .map((word) => requoted(word.replace(/^\u2212/, '-')))
    .join(' ')
    .trim()
  if (query === '') return ''
  const parsed = parseSearch(query, now)
  if (parsed.state === 'error') throw new Failure('This search cannot be read:', caretText(parsed.error), 2)
  return `q=${encodeURIComponent(query)}`
}

/** `name:two words`, as the shell hands it over, is `name:"two words"`; with one word it is as it was typed. */
function requoted(word: string): string {
  if (!/\s/.test(word) || word.includes('"')) return word
  const [, key = '', value = ''] = /^(-?(?:[a-z]+:)?)(.*)$/is.exec(word) ?? []
  // Several terms in one argument are a whole search.
  return /\s-?[a-z]+:/i.test(value) ? word : `${key}"${value}"`
}

/** `since=` of a period such as `2h`, counted back from now. */
export const sinceOf = (period: string, now: number): string => `since=${now - parseDuration(period) * 1000}`

/** The parts of a path's query that there are. */
export function pathOf(path: string, ...parts: readonly string[]): string {
  const query = parts.filter((part) => part !== '').join('&')
  return query === '' ? path : `${path}?${query}`
}

/** Says in the help of a command what a search may be. */
export const withSearch = (command: Command): Command =>
  command
    .argument('[query...]', 'a search, for example: app:curl -dst:10.0.0.0/8 port:>1024 since:2h')
    .allowUnknownOption()
    .addHelpText(
      'after',
      `\nKeys of a search; - before one means not, * anything, a comma or:\n${keysText()}`,
    )

const keysText = (): string =>
  Object.entries(SEARCH_KEYS)
    .map(([key, { about, example }]) => `  ${key.padEnd(10)} ${about.padEnd(42)} ${example}`)
    .join('\n')
