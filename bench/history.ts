import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, statfsSync, statSync } from 'node:fs'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { caretText } from '#contract/search/caret.ts'
import { parseSearch } from '#contract/search/parse.ts'
import type { Search } from '#contract/search/search.ts'
import { SUMMARY_KINDS } from '#model/summary.ts'
import { ColumnBuilder } from '#store/columns/column-builder.ts'
import { FILTERS } from '#store/columns/filter-table.ts'
import { openDatabase } from '#store/database.ts'
import { FlowTable } from '#store/flow-table.ts'
import { inTransaction } from '#store/migrate.ts'
import { FlowSearch } from '#store/search/flow-search.ts'
import { SummaryTable } from '#store/summary-table.ts'
import { median, printBench, type Row } from './bench.ts'
import { build, DAYS, FIRST_DAY, RUN } from './history-database.ts'
import { createRandom, flowOf } from './history-flows.ts'

export const title = 'History: 30 days and 10 million flows'

/** `GATEHOUSE_BENCH_FLOWS=1000000 node bench/history.ts` for a shorter run. */
const FLOWS = Number(process.env['GATEHOUSE_BENCH_FLOWS'] ?? 10_000_000)
/** Here the database stays for the next run: it takes minutes to build, and seconds to search. */
const KEPT = process.env['GATEHOUSE_BENCH_HISTORY']
const NOW = FIRST_DAY + DAYS * 86_400_000
const PAGE = 50
const WRITTEN = 100_000
/** Room for the database and its log. */
const NEEDED_BYTES = FLOWS * 700

export async function run(): Promise<readonly Row[]> {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-history-'))
  try {
    const writeRate = measureWriting(join(folder, 'writing'))
    const kept = KEPT ?? folder
    const built = existsSync(join(kept, 'gatehouse.db')) ? 'kept from before' : buildIn(kept)
    return [
      row(
        'writing flows, one thread',
        'the real writer',
        writeRate,
        'flows/s',
        'more',
        '5,000 come each second',
      ),
      ...measureAll(kept, built),
    ]
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Answers what is to be said of it. Only a whole database gets its name. */
function buildIn(folder: string): string {
  mkdirSync(folder, { recursive: true })
  const { bavail, bsize } = statfsSync(folder)
  if (bavail * bsize < NEEDED_BYTES) throw new Error(`${folder} has no room for ${NEEDED_BYTES} bytes`)
  const startedAt = performance.now()
  const unfinished = join(folder, 'unfinished')
  rmSync(unfinished, { recursive: true, force: true })
  build(unfinished, FLOWS)
  renameSync(join(unfinished, 'gatehouse.db'), join(folder, 'gatehouse.db'))
  rmSync(unfinished, { recursive: true, force: true })
  return `built in ${((performance.now() - startedAt) / 1000).toFixed(0)} s`
}

function measureAll(folder: string, built: string): Row[] {
  const flows = finishColumns(folder)
  const bytes = statSync(join(folder, 'gatehouse.db')).size
  const searches = QUERIES.map((query) => measureSearch(folder, query))
  return [
    row('size', `${flows} flows`, bytes / 1e6, 'MB', 'less', built),
    row('size of a flow', 'with all indexes', bytes / flows, 'B', 'less'),
    ...searches.flatMap(({ text, cold, warm, note }) => [
      row(`${text} (cold)`, 'gatehouse', cold, 'ms', 'less', note),
      row(`${text} (warm)`, 'gatehouse', warm, 'ms', 'less', note),
    ]),
    ...(['cold', 'warm'] as const).map((how) => worstOf(searches, how)),
    ...measureBuilding(folder),
    ...SUMMARY_KINDS.map((kind) => measureSummary(folder, kind)),
  ]
}

/** A database that an older version built gets what it lacks. Answers how many flows it has. */
function finishColumns(folder: string): number {
  const { db, close } = openDatabase(folder, NOW)
  const columns = new ColumnBuilder(db)
  while (columns.step());
  db.exec('PRAGMA wal_checkpoint(TRUNCATE)')
  const flows = Number(db.prepare('SELECT count(*) AS count FROM flows').get()?.['count'])
  db.close()
  close()
  return flows
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

interface Searched {
  readonly text: string
  /** Milliseconds. */
  readonly cold: number
  readonly warm: number
  readonly note: string
  /** False: time was over before the page was full or all was searched. */
  readonly isWhole: boolean
}

/** How often; the middle counts, of cold searches and of warm ones. */
const TIMES = 3

function measureSearch(folder: string, text: string): Searched {
  const search = searchOf(text)
  const runs = Array.from({ length: TIMES }, () => searchTwice(folder, search))
  const isWhole = runs.every((one) => one.isWhole)
  return {
    text,
    cold: median(runs.map(({ cold }) => cold)),
    warm: median(runs.map(({ warm }) => warm)),
    note: `${runs[0]?.found} found${isWhole ? '' : ', NOT to the end'}`,
    isWhole,
  }
}

/** Cold: none of the file's pages are in memory, and nobody has searched yet. Warm: the same again. */
function searchTwice(folder: string, search: Search) {
  forgetPages(folder)
  const { db, close } = openDatabase(folder, NOW)
  const finder = new FlowSearch(db, RUN)
  const once = () => {
    const startedAt = performance.now()
    const page = finder.slice({ search, limit: PAGE, now: NOW })
    return { ms: performance.now() - startedAt, page }
  }
  const [cold, warm] = [once(), once()]
  db.close()
  close()
  return {
    cold: cold.ms,
    warm: warm.ms,
    found: cold.page.items.length,
    isWhole: cold.page.searchedTo === undefined && warm.page.searchedTo === undefined,
  }
}

function worstOf(searches: readonly Searched[], how: 'cold' | 'warm'): Row {
  const [worst] = searches.toSorted((a, b) => b[how] - a[how])
  const cut = searches.filter(({ isWhole }) => !isWhole).length
  const note = `${worst?.text}; ${cut} of ${searches.length} without their true first page`
  return row(`worst search (${how})`, 'gatehouse', worst?.[how] ?? Number.NaN, 'ms', 'less', note)
}

/** Columns of a segment are made between other work: how long one turn keeps writes and searches waiting. */
function measureBuilding(folder: string): Row[] {
  const { db, close } = openDatabase(folder, NOW)
  const columns = new ColumnBuilder(db)
  const turns: { readonly ms: number; readonly busyMs: number }[] = []
  const oldest = Number(db.prepare('SELECT min(segment) AS segment FROM segments').get()?.['segment'])
  for (const segment of [oldest, oldest + 1]) {
    forgetPages(folder)
    db.prepare('DELETE FROM segment_words WHERE name = ? AND segment = ?').run(FILTERS, segment)
    for (let more = true; more; ) {
      const [startedAt, before] = [performance.now(), process.cpuUsage()]
      more = columns.step()
      const { user, system } = process.cpuUsage(before)
      turns.push({ ms: performance.now() - startedAt, busyMs: (user + system) / 1000 })
    }
  }
  db.exec('PRAGMA wal_checkpoint(TRUNCATE)')
  db.close()
  close()
  const what = 'columns of two segments (cold)'
  const [ms, busyMs] = [turns.map((turn) => turn.ms), turns.map((turn) => turn.busyMs)]
  const note = `of ${turns.length}; load ${loadavg()[0]?.toFixed(1)}`
  return [
    row(`${what}: longest turn`, 'gatehouse', Math.max(...ms), 'ms', 'less', note),
    row(`${what}: most processor time of a turn`, 'gatehouse', Math.max(...busyMs), 'ms', 'less', note),
    row(`${what}: median turn`, 'gatehouse', median(ms), 'ms', 'less', note),
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
