/**
 * What must never reach the reader as it is: C0 and C1 controls, bidirectional overrides and isolates, zero-width and
 * invisible characters, line separators, tags, variation selectors, lone surrogates. They reorder, hide or forge text.
 */
const HIDDEN_RANGES =
  '0000-001f 007f-009f 00ad 034f 061c 115f-1160 17b4-17b5 180b-180f 200b-200f 2028-202e 2060-206f 3164 ' +
  'd800-dfff fe00-fe0f feff ffa0 fff0-fffb e0000-e0fff'
const HIDDEN = new RegExp(`[${HIDDEN_RANGES.split(' ').map(rangePattern).join('')}]`, 'gu')

const LONGEST = 300

/**
 * Text from the wire, from a program or from a person, made safe to read: hidden characters are written out
 * (`⟨ESC⟩`, `⟨U+202E⟩`), and what is longer than `longest` characters ends in an ellipsis.
 */
export function visible(text: string | undefined, longest: number = LONGEST): string {
  if (text === undefined) return ''
  const cut = text.length > longest ? `${text.slice(0, longest)}…` : text
  return cut.replace(HIDDEN, spelled)
}

const C0 =
  'NUL SOH STX ETX EOT ENQ ACK BEL BS TAB LF VT FF CR SO SI DLE DC1 DC2 DC3 DC4 NAK SYN ETB CAN EM SUB ESC FS GS RS US'.split(
    ' ',
  )

function spelled(character: string): string {
  const code = character.codePointAt(0) ?? 0
  return `⟨${C0[code] ?? `U+${code.toString(16).toUpperCase().padStart(4, '0')}`}⟩`
}

function rangePattern(range: string): string {
  return range
    .split('-')
    .map((code) => `\\u{${code}}`)
    .join('-')
}
