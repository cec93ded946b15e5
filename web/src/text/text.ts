import type { en } from './en.ts'
import { type Language, language } from './language.ts'

/** Every word of the page. A translation is another file of this shape: one that lacks a key does not compile. */
export type Text = typeof en

const CATALOGUES: Readonly<Record<Language, () => Promise<Text>>> = {
  en: async () => (await import('./en.ts')).en,
  de: async () => (await import('./de.ts')).de,
}

/** In the reader's language; the other catalogues are not fetched. A change of the language loads the page again. */
export const text: Text = await CATALOGUES[language]()
