import { type Language, language } from './language.ts'
import { createSaid, type SaidAs, type SaidPart } from './said-as.ts'
import { text } from './text.ts'

const SAYINGS: Readonly<Record<Language, () => Promise<readonly SaidAs[]>>> = {
  en: async () => [],
  de: async () => (await import('./de-said.ts')).germanSaid,
}

/** Sentences of the page itself that come the same way as the daemon's. */
const OWN: ReadonlySet<string> = new Set(Object.values(text.problems.unreachable))

/** Fetched after the first screen: until then the daemon's words are shown as they are. */
let read = $state.raw(createSaid([], OWN))
void SAYINGS[language]().then((sayings) => {
  read = createSaid(sayings, OWN)
})

/** What the daemon says in the reader's language, as far as there are words for it; the rest is marked as English. */
export const said = (sentence: string): readonly SaidPart[] => read(sentence)

/** The same in one piece: for attributes. */
export const saidText = (sentence: string | undefined): string =>
  sentence === undefined
    ? ''
    : said(sentence)
        .map(({ text: words }) => words)
        .join('')
