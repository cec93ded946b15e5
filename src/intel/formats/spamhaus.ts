import { isFields, type LineFormat, textIn } from './format.ts'
import { parsed } from './json-items.ts'

/** Spamhaus DROP: `range ; SBL number` as text, or one JSON object a line of which the last is about the list. */
export const spamhaus: LineFormat = {
  shape: 'lines',
  open: (sink) => (line) => {
    const text = line.trim()
    if (text === '' || text.startsWith(';')) return
    const { value, reason } = text.startsWith('{') ? ofJson(text) : ofText(text)
    if (value === '') return
    if (value === undefined) sink.misfit()
    else sink.take({ kind: 'target', value, ...(reason !== undefined && { reason }) })
  },
}

interface Entry {
  /** Empty for what is about the list itself. */
  readonly value?: string | undefined
  readonly reason?: string | undefined
}

function ofText(text: string): Entry {
  const [value, reason] = text.split(';').map((part) => part.trim())
  return { value: value && /^[0-9a-f.:/]+$/i.test(value) ? value : undefined, reason: reason || undefined }
}

function ofJson(text: string): Entry {
  const fields = parsed(text)
  if (!isFields(fields)) return {}
  if (textIn(fields, 'type') === 'metadata') return { value: '' }
  return { value: textIn(fields, 'cidr'), reason: textIn(fields, 'sblid') }
}
