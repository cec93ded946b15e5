import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, statfsSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { caretText } from '#contract/search/caret.ts'
import { parseSearch } from '#contract/search/parse.ts'
import type { Search } from '#contract/search/search.ts'
import { SUMMARY_KINDS } from '#model/summary.ts'
import { openDatabase } from '#store/database.ts'
import { FlowTable } from '#store/flow-table.ts'
import { inTransaction } from '#store/migrate.ts'
import { FlowSearch } from '#store/search/flow-search.ts'
import { SummaryTable } from '#store/summary-table.ts'
import { printBench, type Row } from './bench.ts'
import { build, DAYS, FIRST_DAY, RUN } from './history-database.ts'
import { createRandom, flowOf } from './history-flows.ts'

export const title = 'History: 30 days and 10 million flows'

/** `GATEHOUSE_BENCH_FLOWS=1000000 node bench/history.ts` for a shorter run. */
const FLOWS = Number(process.env['GATEHOUSE_BENCH_FLOWS'] ?? 10_000_000)
const NOW = FIRST_DAY + DAYS * 86_400_000
const PAGE = 50
const WRITTEN = 100_000
/** Room for the database and its log. */
const NEEDED_BYTES = FLOWS * 700

export async function run(): Promise<readonly Row[]> {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-history-'))
  try {
    const { bavail, bsize } = statfsSync(folder)
    if (bavail * bsize < NEEDED_BYTES) throw new Error(`${folder} has no room for ${NEEDED_BYTES} bytes`)
    return measureAll(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function measureAll(folder: string): Row[] {
  const writeRate = measureWriting(join(folder, 'writing'))
  const startedAt = performance.now()
  build(folder, FLOWS)
  const bytes = statSync(join(folder, 'gatehouse.db')).size
  const note = `built in ${((performance.now() - startedAt) / 1000).toFixed(0)} s`
  return [
    row(
      'writing flows, one thread',
      'the real writer',
      writeRate,
      'flows/s',
      'more',
      '5,000 come each second',
    ),
    row('size', `${FLOWS} flows`, bytes / 1e6, 'MB', 'less', note),
    row('size of a flow', 'with all indexes', bytes / FLOWS, 'B', 'less'),
    ...QUERIES.flatMap((query) => measureSearch(folder, query)),
    ...SUMMARY_KINDS.map((kind) => measureSummary(folder, kind)),
  ]
}

/** New flows a second, in batches as the core sends them. */
function measureWriting(folder: string): number {
  const { db, close } = openDatabase(folder, FIRST_DAY)
  const table = new FlowTable(db, RUN)
  const random = createRandom(3)
  const [batch, perSecond] = [2000, 5000]
  let ms = 0
  for (let from = 0; from < WRITTEN; from += batch) {
    const now = FIRST_DAY + (from / perSecond) * 1000
    const flows = Array.from({ length: batch }, (_, at) => flowOf(from + at, now, random))
    const startedAt = performance.now()
    inTransaction(db, () => table.save(flows, now))
    table.committed()
    ms += performance.now() - startedAt
  }
  db.close()
  close()
  return WRITTEN / (ms / 1000)
}

const row = (
  what: string,
  who: string,
  value: number,
  unit: string,
  better: Row['better'],
  note = '',
): Row => ({ what, who, value, unit, better, note })

/** Rare values are in the oldest segment alone: the longest way that a search can take. */
const QUERIES = [
  ...['app:needle', 'path:/opt/needle/*', 'pid:3999999', 'user:needle', 'uid:4242', 'unit:needle'],
  ...[
    'container:needle',
    'src:203.0.113.77',
    'dst:203.0.113.78',
    'peer:203.0.113.78',
    'peer:2001:db8:77::/48',
  ],
  ...['port:64999', 'lport:64998', 'proto:gre', 'dir:forward', 'iface:needle0', 'state:syn-received'],
  ...['name:needle.example', 'name:*needle*', 'country:AQ', 'asn:4200000000', 'asn:needle', 'needle'],
  ...[
    'community:1:AAAAAAAAAAAAAAAAAAAAAAAAAAA=',
    'bytes:>100G',
    'bytes:100G-200G',
    'rtt:>30000',
    'is:unknown',
    'is:live',
    'is:blocked',
    'is:inbound',
  ],
  ...[
    'since:1d',
    'until:29d',
    'app:curl',
    'user:anna',
    'port:443',
    'port:>1024',
    'country:DE',
    'name:*.example.com',
  ],
  ...[
    '-proto:tcp -proto:udp',
    'app:curl country:DE port:443',
    'app:absent',
    'name:absent',
    'dst:198.18.0.0/15',
  ],
  ...['app:curl iface:needle0', 'app:curl port:22', 'user:anna name:*7.example.com port:53'],
]

function searchOf(text: string): Search {
  const parsed = parseSearch(text, NOW)
  if (parsed.state === 'error') throw new Error(caretText(parsed.error))
  return parsed.search
}

function measureSearch(folder: string, text: string): Row[] {
  const search = searchOf(text)
  forgetPages(folder)
  const { db, close } = openDatabase(folder, NOW)
  const finder = new FlowSearch(db, RUN)
  const once = () => {
    const startedAt = performance.now()
    const page = finder.slice({ search, limit: PAGE, now: NOW })
    const note = `${page.items.length} found${page.searchedTo === undefined ? '' : ', NOT to the end'}`
    return { ms: performance.now() - startedAt, note }
  }
  const cold = once()
  const warm = [once(), once(), once()].sort((a, b) => a.ms - b.ms)[1] ?? cold
  db.close()
  close()
  return [
    row(`${text} (cold)`, 'gatehouse', cold.ms, 'ms', 'less', cold.note),
    row(`${text} (warm)`, 'gatehouse', warm.ms, 'ms', 'less', warm.note),
  ]
}

function measureSummary(folder: string, kind: (typeof SUMMARY_KINDS)[number]): Row {
  forgetPages(folder)
  const { db, close } = openDatabase(folder, NOW)
  const table = new SummaryTable(db, new FlowSearch(db, RUN))
  const startedAt = performance.now()
  const { items } = table.ofPeriod({ kind, since: FIRST_DAY, until: NOW, limit: 100, now: NOW })
  const ms = performance.now() - startedAt
  db.close()
  close()
  return row(`30 days by ${kind} (cold)`, 'gatehouse', ms, 'ms', 'less', `${items.length} rows`)
}

/** The kernel forgets this file's pages, and nobody else's. */
function forgetPages(folder: string): void {
  const file = join(folder, 'gatehouse.db')
  execFileSync('dd', [`of=${file}`, 'oflag=nocache', 'conv=notrunc,fdatasync', 'count=0', 'status=none'])
}

if (import.meta.main) await printBench({ title, run })
