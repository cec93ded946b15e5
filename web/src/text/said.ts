import { createSaid, type SaidPart } from './said-as.ts'
import { saidAs, text } from './text.ts'

/** What the daemon says in the reader's language, as far as there are words for it; the rest is marked as English. */
export const said: (sentence: string) => readonly SaidPart[] = createSaid(
  saidAs,
  new Set(Object.values(text.problems.unreachable)),
)

/** The same in one piece: for attributes. */
export const saidText = (sentence: string | undefined): string =>
  sentence === undefined
    ? ''
    : said(sentence)
        .map(({ text }) => text)
        .join('')
