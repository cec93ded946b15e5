import { type Language, language } from './language.ts'

/** What a setting means, where there are words for it in the reader's language; else the daemon describes it. */
type Meaning = (setting: string) => string | undefined

const MEANINGS: Readonly<Record<Language, () => Promise<Meaning>>> = {
  en: async () => () => undefined,
  de: async () => (await import('./de-meanings.ts')).germanMeaning,
}

/** Fetched with the first screen that needs it. */
export const meaningOf: Meaning = await MEANINGS[language]()
