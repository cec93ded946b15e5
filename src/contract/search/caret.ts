import { visibleText } from '#lib/visible-text.ts'
import type { SearchError } from './search.ts'

/** So much of a long query is shown around the place. */
const CONTEXT = 60

/** The query, a caret line under the place that is meant, and what to do: safe for a terminal. */
export function caretText(error: SearchError): string {
  const { query, at, length, message, hint } = error
  const from = Math.max(0, at - CONTEXT)
  const to = Math.min(query.length, at + length + CONTEXT)
  const before = (from > 0 ? '…' : '') + visibleText(query.slice(from, at))
  const meant = visibleText(query.slice(at, at + length))
  const after = visibleText(query.slice(at + length, to)) + (to < query.length ? '…' : '')
  const carets = '^'.repeat(Math.max(1, columnsOf(meant)))
  const lines = [before + meant + after, ' '.repeat(columnsOf(before)) + carets, visibleText(message)]
  if (hint !== undefined) lines.push(visibleText(hint))
  return lines.join('\n')
}

const columnsOf = (text: string): number => Array.from(text).length
