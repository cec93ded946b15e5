import { parseAddressSpan } from '../address-spans.ts'
import type { Imported, ImportedLine } from './foreign.ts'

/** More in one text would keep everybody waiting while it is read. */
const MAX_ENTRIES = 20_000

/** Reads addresses and ranges, one to a line, with `#` and `;` as comments: a named list, and rules that deny it. */
export function importList(text: string, name: string): Imported {
  const entries: string[] = []
  const lines: ImportedLine[] = []
  for (const [at, raw] of text.split('\n').entries()) {
    const word =
      raw
        .replace(/[#;].*$/, '')
        .trim()
        .split(/\s/)[0] ?? ''
    if (word === '') continue
    const skip = (note: string): void =>
      void lines.push({ line: at + 1, text: raw.trim(), outcome: 'skipped', note })
    if (parseAddressSpan(word) === undefined) skip('this is no address and no range')
    else if (entries.length >= MAX_ENTRIES)
      skip('too many for one text: let the rules name the file, as lists: { bad: { file: /path } }')
    else entries.push(word)
  }
  if (entries.length === 0) return { defaults: {}, lists: {}, rules: [], lines }
  return {
    defaults: {},
    lists: { [name]: entries },
    rules: [
      { action: 'deny', direction: ['inbound', 'forward'], from: name },
      { action: 'deny', direction: ['outbound', 'forward'], to: name },
    ],
    lines,
  }
}
