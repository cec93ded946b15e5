import { kept } from '../kept.ts'

/** Languages that have a catalogue, each by its own name. */
export const LANGUAGE_NAMES = { en: 'English', de: 'Deutsch' } as const
export type Language = keyof typeof LANGUAGE_NAMES

const LANGUAGES = Object.keys(LANGUAGE_NAMES) as readonly Language[]
/** `browser`: the first language of the browser that has a catalogue. */
export const LANGUAGE_CHOICES = ['browser', ...LANGUAGES] as const
export type LanguageChoice = (typeof LANGUAGE_CHOICES)[number]

const languageOf = (tag: string): string => tag.toLowerCase().split('-')[0] ?? ''

/** The catalogue for a choice and the languages that the reader wants, best first, as BCP 47 tags. */
export function languageFor(choice: LanguageChoice, wanted: readonly string[]): Language {
  if (choice !== 'browser') return choice
  return wanted.map(languageOf).find(isLanguage) ?? 'en'
}

/**
 * How numbers and dates are written: by the reader's own variant of the language (de-AT, en-GB). Who reads English only
 * because there is no catalogue of his own keeps his own dates.
 */
export function localeFor(choice: LanguageChoice, wanted: readonly string[]): string {
  const language = languageFor(choice, wanted)
  const own = wanted.filter(isLocale).find((tag) => languageOf(tag) === language)
  if (own !== undefined) return own
  return (choice === 'browser' ? wanted.find(isLocale) : undefined) ?? language
}

function isLanguage(language: string): language is Language {
  return Object.hasOwn(LANGUAGE_NAMES, language)
}

/** Intl throws at a tag that it cannot read, and a browser may be told any. */
function isLocale(tag: string): boolean {
  try {
    return Intl.getCanonicalLocales(tag).length > 0
  } catch {
    return false
  }
}

/*
 * This file and all that catalogues import may import nothing that waits for the text: text.ts waits for a catalogue, and
 * the catalogue would wait for text.ts.
 */
export const languageChoice = kept('language', LANGUAGE_CHOICES, 'browser')
export const language = languageFor(languageChoice, navigator.languages)
export const locale = localeFor(languageChoice, navigator.languages)
