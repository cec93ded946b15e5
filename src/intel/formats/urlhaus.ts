import { CsvRows } from './csv.ts'
import { type ItemFormat, type LineFormat, textIn, timeOf } from './format.ts'

const COLUMNS = [
  'id',
  'dateadded',
  'url',
  'url_status',
  'last_online',
  'threat',
  'tags',
  'urlhaus_link',
  'reporter',
]

/** abuse.ch URLhaus as CSV. A host serves many URLs, most of them harmless: only the URL itself is an indicator. */
export const urlhausCsv: LineFormat = {
  shape: 'lines',
  open(sink) {
    const rows = new CsvRows(COLUMNS)
    return (line) => {
      if (line.trim() === '' || rows.isHead(line, 'url_status') || line.startsWith('#')) return
      rows.read(line)
      const value = rows.cell('url')
      if (value === undefined) return sink.misfit()
      const since = timeOf(rows.cell('dateadded'))
      const reason = whatFor(rows.cell('threat'), rows.cell('tags'))
      sink.take({ kind: 'url', value, reason, ...(since !== undefined && { since }) })
    }
  },
}

/** abuse.ch URLhaus as JSON: an object with a list of one or more objects for each id. */
export const urlhausJson: ItemFormat = {
  shape: 'items',
  isItem: (path) => path.length === 2 && path[1] === '[]',
  open: (sink) => (item) => {
    const value = textIn(item, 'url')
    if (value === undefined) return sink.misfit()
    const since = timeOf(item['dateadded'])
    const tags = Array.isArray(item['tags'])
      ? item['tags'].filter((tag) => typeof tag === 'string').join(',')
      : ''
    const reason = whatFor(textIn(item, 'threat'), tags)
    sink.take({ kind: 'url', value, reason, ...(since !== undefined && { since }) })
  },
}

const whatFor = (threat: string | undefined, tags: string | undefined): string =>
  [threat?.replaceAll('_', ' ') ?? 'malware', tags].filter(Boolean).join(': ')
