import { CsvRows } from './csv.ts'
import { type Fields, type ItemFormat, type LineFormat, textIn, timeOf } from './format.ts'

const COLUMNS = ['first_seen_utc', 'dst_ip', 'dst_port', 'c2_status', 'last_online', 'malware']

/** abuse.ch Feodo Tracker, blocklist as CSV. */
export const feodoCsv: LineFormat = {
  shape: 'lines',
  open(sink) {
    const rows = new CsvRows(COLUMNS)
    return (line) => {
      if (line.trim() === '' || line.startsWith('#') || rows.isHead(line, 'dst_ip')) return
      rows.read(line)
      const value = rows.cell('dst_ip')
      const since = timeOf(rows.cell('first_seen_utc'))
      if (value === undefined || since === undefined) return sink.misfit()
      const reason = botnet(rows.cell('malware'), rows.cell('dst_port'))
      sink.take({ kind: 'target', value, since, reason })
    }
  },
}

/** abuse.ch Feodo Tracker, blocklist as JSON: one list of objects. */
export const feodoJson: ItemFormat = {
  shape: 'items',
  isItem: (path) => path.length === 1 && path[0] === '[]',
  open: (sink) => (item: Fields) => {
    const value = textIn(item, 'ip_address')
    if (value === undefined) return sink.misfit()
    const since = timeOf(item['first_seen'])
    const reason = botnet(textIn(item, 'malware'), String(item['port'] ?? ''))
    sink.take({ kind: 'target', value, reason, ...(since !== undefined && { since }) })
  },
}

const botnet = (malware: string | undefined, port: string | undefined): string =>
  `${malware ?? 'botnet'} command and control${port ? ` on port ${port}` : ''}`
