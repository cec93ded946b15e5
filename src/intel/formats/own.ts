import { isIP } from 'node:net'
import type { Indicator, IndicatorKind } from '#model/indicator.ts'
import { CsvRows } from './csv.ts'
import { type ItemFormat, known, type LineFormat, type Sink, timeOf } from './format.ts'
import { rangesBetween } from './ranges-between.ts'

const COLUMNS = ['value', 'kind', 'confidence', 'since', 'until', 'reason']
const KINDS: Readonly<Record<string, IndicatorKind>> = {
  target: 'target',
  address: 'target',
  range: 'target',
  ip: 'target',
  domain: 'domain',
  url: 'url',
  sha256: 'sha256',
  sha1: 'sha1',
  md5: 'md5',
  ja3: 'ja3',
  ja4: 'ja4',
}

/** Your own indicators as CSV: `value`, and as you like `kind,confidence,since,until,reason`, in the order of the head. */
export const ownCsv: LineFormat = {
  shape: 'lines',
  open(sink) {
    const rows = new CsvRows(COLUMNS)
    return (line) => {
      if (line.trim() === '' || line.startsWith('#') || rows.isHead(line, 'value')) return
      rows.read(line)
      takeOwn(sink, (column) => rows.cell(column))
    }
  },
}

/** Your own indicators as JSON: one list of objects with the same fields as the CSV. */
export const ownJson: ItemFormat = {
  shape: 'items',
  isItem: (path) => path.length === 1 && path[0] === '[]',
  open: (sink) => (item) => takeOwn(sink, (column) => item[column]),
}

function takeOwn(sink: Sink, field: (column: string) => unknown): void {
  const value = field('value')
  const kind = typeof value === 'string' ? kindOf(field('kind'), value) : undefined
  const said = saidOf(field)
  const values = kind === 'target' ? rangesIn(String(value)) : [String(value)]
  if (kind === undefined || said === undefined || values === undefined) sink.misfit()
  else for (const one of values) sink.take({ kind, value: one, ...said })
}

const kindOf = (named: unknown, value: string): IndicatorKind | undefined =>
  typeof named === 'string' ? KINDS[named.toLowerCase()] : guessedKind(value)

/** Undefined when a time cannot be read: an expiry must not become "for ever". */
function saidOf(field: (column: string) => unknown): Omit<Indicator, 'kind' | 'value'> | undefined {
  const [since, until] = [timeOf(field('since')), timeOf(field('until'))]
  if (isUnread(field('since'), since) || isUnread(field('until'), until)) return undefined
  const confidence = Number(field('confidence') ?? Number.NaN)
  const reason = field('reason')
  return known({
    since,
    until,
    confidence: Number.isFinite(confidence) ? confidence : undefined,
    reason: typeof reason === 'string' ? reason : undefined,
  })
}

function rangesIn(value: string): readonly string[] | undefined {
  const [first = '', last] = value.split('-').map((part) => part.trim())
  return last === undefined ? [first] : rangesBetween(first, last)
}

const isUnread = (written: unknown, time: number | undefined): boolean =>
  written !== undefined && written !== null && time === undefined

/** What a value is by its look; a hash of 32 digits is a file's, for JA3 has to be named. */
export function guessedKind(value: string): IndicatorKind | undefined {
  const text = value.trim()
  if (isIP(text.split('/')[0] ?? '') !== 0 || /^[\d.]+\s*-\s*[\d.]+$/.test(text)) return 'target'
  if (/^[a-z]+:\/\//i.test(text)) return 'url'
  if (/^[0-9a-f]+$/i.test(text)) return ({ 64: 'sha256', 40: 'sha1', 32: 'md5' } as const)[text.length]
  if (/^[tqd][0-9a-z]{9}_[0-9a-f]{12}_[0-9a-f]{12}$/i.test(text)) return 'ja4'
  return text.includes('.') ? 'domain' : undefined
}
