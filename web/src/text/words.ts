import { language, locale } from './language.ts'

const NUMBER = new Intl.NumberFormat(locale)
const PLURAL = new Intl.PluralRules(language)

/** Numbers as sentences hold them. */
export const n = (count: number): string => NUMBER.format(count)

/** A count with its noun, for languages that tell one from more. */
export const many = (count: number, one: string, more: string): string =>
  `${n(count)} ${PLURAL.select(count) === 'one' ? one : more}`

/**
 * Words for what the daemon says; what it says beyond them has none. Unlike a `Record<string, string>` it keeps its keys
 * in its type, so that a translation that lacks one does not compile.
 */
export const wordsBy = <Key extends string>(
  words: Record<Key, string>,
): Record<Key, string> & Record<string, string> => words
