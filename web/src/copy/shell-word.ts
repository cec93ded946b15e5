/** What turns text around or steers a terminal: names come from the wire, and a shell gets them by a paste. */
export const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u

/** One word of a shell that stands for itself, whatever it holds. */
export function shellWord(word: string): string {
  if (/^[\w@%+=:,./-]+$/.test(word)) return word
  if (!UNSEEN.test(word)) return `'${word.replaceAll("'", `'\\''`)}'`
  const escaped = word
    .replaceAll(/[\\']/gu, '\\$&')
    .replaceAll(
      new RegExp(UNSEEN, 'gu'),
      (one) => `\\U${(one.codePointAt(0) ?? 0).toString(16).padStart(8, '0')}`,
    )
  return `$'${escaped}'`
}
