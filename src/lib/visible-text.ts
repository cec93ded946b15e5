/**
 * What a terminal or a reader's eye would act on instead of showing: C0 and C1 controls (so ANSI escapes),
 * bidirectional controls, separators of lines, invisible characters, lone surrogates, private use.
 */
const HIDDEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu

/** Text from the wire or from another program, safe for a terminal: what would be hidden is written `\u{…}`. */
export const visibleText = (text: string): string =>
  text.replace(HIDDEN, (hidden) => `\\u{${(hidden.codePointAt(0) ?? 0).toString(16)}}`)

/** JSON in which nothing is hidden: the same value to a program, safe for a terminal too. Newlines only with `indent`. */
export const visibleJson = (value: unknown, indent?: number): string =>
  JSON.stringify(value, undefined, indent).replace(HIDDEN, (hidden) =>
    hidden === '\n' ? hidden : jsonEscape(hidden),
  )

/** A character beyond the first plane takes two escapes (RFC 8259 §7). */
const jsonEscape = (character: string): string =>
  Array.from({ length: character.length }, (_, at) => `\\u${hex4(character.charCodeAt(at))}`).join('')

const hex4 = (unit: number): string => unit.toString(16).padStart(4, '0')

/** At most `columns` wide, the end cut off with `…`. Counts code points: wide scripts may take more room. */
export function shortened(text: string, columns: number): string {
  if (text.length <= columns) return text
  const characters = Array.from(text)
  if (characters.length <= columns) return text
  return columns < 1 ? '' : `${characters.slice(0, columns - 1).join('')}…`
}
