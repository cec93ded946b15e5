import type { Text } from './en.ts'
import { type Language, language } from './language.ts'

const CATALOGUES: Readonly<Record<Language, () => Promise<Text>>> = {
  en: async () => (await import('./en.ts')).en,
  de: async () => (await import('./de.ts')).de,
}

/** In the reader's language; the other catalogues are not fetched. A change of the language loads the page again. */
export const text: Text = await CATALOGUES[language]()
