import type { en } from './en.ts'
import { type Language, language } from './language.ts'
import type { SaidAs } from './said-as.ts'

/** Every word of the page. A translation is another file of this shape: one that lacks a key does not compile. */
export type Text = typeof en

interface Catalogue {
  readonly text: Text
  /** What the daemon says, which is English. */
  readonly saidAs: readonly SaidAs[]
}

const CATALOGUES: Readonly<Record<Language, () => Promise<Catalogue>>> = {
  en: async () => ({ text: (await import('./en.ts')).en, saidAs: [] }),
  de: async () => {
    const { de, germanSaid } = await import('./de.ts')
    return { text: de, saidAs: germanSaid }
  },
}

/** In the reader's language; the other catalogues are not fetched. A change of the language loads the page again. */
export const { text, saidAs }: Catalogue = await CATALOGUES[language]()
