import type { Indicator, IndicatorKind } from '#model/indicator.ts'
import { CsvRows } from './csv.ts'
import { type ItemFormat, type LineFormat, type Sink, textIn, timeOf } from './format.ts'

const COLUMNS = [
  'first_seen_utc',
  'ioc_id',
  'ioc_value',
  'ioc_type',
  'threat_type',
  'fk_malware',
  'malware_alias',
  'malware_printable',
  'last_seen_utc',
  'confidence_level',
  'reference',
  'tags',
  'anonymous',
  'reporter',
]

const KINDS: Readonly<Record<string, IndicatorKind>> = {
  'ip:port': 'target',
  domain: 'domain',
  url: 'url',
  sha256_hash: 'sha256',
  sha1_hash: 'sha1',
  md5_hash: 'md5',
  ja3_hash: 'ja3',
  ja4_hash: 'ja4',
}

/** abuse.ch ThreatFox as CSV. */
export const threatfoxCsv: LineFormat = {
  shape: 'lines',
  open(sink) {
    const rows = new CsvRows(COLUMNS)
    return (line) => {
      if (line.trim() === '' || rows.isHead(line, 'ioc_value') || line.startsWith('#')) return
      rows.read(line)
      takeEntry(sink, {
        type: rows.cell('ioc_type'),
        value: rows.cell('ioc_value'),
        since: rows.cell('first_seen_utc'),
        confidence: rows.cell('confidence_level'),
        malware: rows.cell('malware_printable'),
        threat: rows.cell('threat_type'),
      })
    }
  },
}

/** abuse.ch ThreatFox as JSON: an object with a list of one or more objects for each id. */
export const threatfoxJson: ItemFormat = {
  shape: 'items',
  isItem: (path) => path.length === 2 && path[1] === '[]',
  open: (sink) => (item) =>
    takeEntry(sink, {
      type: textIn(item, 'ioc_type'),
      value: textIn(item, 'ioc_value'),
      since: textIn(item, 'first_seen_utc'),
      confidence: String(item['confidence_level'] ?? ''),
      malware: textIn(item, 'malware_printable'),
      threat: textIn(item, 'threat_type'),
    }),
}

interface Entry {
  readonly type: string | undefined
  readonly value: string | undefined
  readonly since: string | undefined
  readonly confidence: string | undefined
  readonly malware: string | undefined
  readonly threat: string | undefined
}

function takeEntry(sink: Sink, entry: Entry): void {
  const { type, value } = entry
  const kind = KINDS[type ?? '']
  if (kind === undefined || value === undefined) {
    if (type === undefined || value === undefined) sink.misfit()
    else sink.pass()
    return
  }
  const since = timeOf(entry.since)
  const confidence = Number(entry.confidence)
  const indicator: Indicator = {
    kind,
    value: kind === 'target' ? hostOf(value) : value,
    reason: [entry.malware, entry.threat?.replaceAll('_', ' ')].filter(Boolean).join(': '),
    ...(since !== undefined && { since }),
    ...(entry.confidence && Number.isFinite(confidence) && { confidence }),
  }
  sink.take(indicator)
}

/** The address of `address:port` and `[address]:port`. */
const hostOf = (text: string): string => /^\[([^\]]+)\]/.exec(text)?.[1] ?? text.replace(/:\d+$/, '')
