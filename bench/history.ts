import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, statfsSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { caretText } from '#contract/search/caret.ts'
import { parseSearch } from '#contract/search/parse.ts'
import type { Search } from '#contract/search/search.ts'
import { formatIpv4, type Ip, ip } from '#model/address.ts'
import type { Connection, Direction } from '#model/flow.ts'
import type { Owner } from '#model/owner.ts'
import { SUMMARY_KINDS } from '#model/summary.ts'
import { openDatabase } from '#store/database.ts'
import { FlowTable } from '#store/flow-table.ts'
import { inTransaction } from '#store/migrate.ts'
import { FlowSearch } from '#store/search/flow-search.ts'
import { SummaryTable } from '#store/summary-table.ts'
import { printBench, type Row } from './bench.ts'

export const title = 'History: 30 days and 10 million flows'

/** `GATEHOUSE_BENCH_FLOWS=1000000 node bench/history.ts` for a shorter run. */
const FLOWS = Number(process.env['GATEHOUSE_BENCH_FLOWS'] ?? 10_000_000)
const DAYS = 30
const SEGMENT = 65_536
/** The real writer makes the first segment, with rare values, and these; SQL copies them up to the whole number. */
const TEMPLATES = 3
const FIRST_DAY = Date.UTC(2026, 9, 21)
const NOW = FIRST_DAY + DAYS * 86_400_000
const RUN = 1
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
  build(folder)
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

function build(folder: string): void {
  const { db, close } = openDatabase(folder, FIRST_DAY)
  const table = new FlowTable(db, RUN, SEGMENT)
  const random = createRandom(7)
  const segments = Math.ceil(FLOWS / SEGMENT)
  const stepMs = (DAYS * 86_400_000) / segments / SEGMENT
  const written = Math.min(FLOWS, SEGMENT * (1 + TEMPLATES))
  for (let from = 0; from < written; from += 1024) {
    const flows = Array.from({ length: Math.min(1024, written - from) }, (_, at) =>
      from + at < SEGMENT && (from + at) % 1024 === 512
        ? needle(from + at, FIRST_DAY + (from + at) * stepMs)
        : flowOf(from + at, FIRST_DAY + (from + at) * stepMs, random),
    )
    inTransaction(db, () => table.save(flows, FIRST_DAY + from * stepMs))
    table.committed()
  }
  copySegments(db, segments, stepMs * SEGMENT)
  sumHours(db)
  db.exec('PRAGMA wal_checkpoint(TRUNCATE)')
  db.close()
  close()
}

type Database = ReturnType<typeof openDatabase>['db']

/** Copies the template segments, with their owners, until there are enough. */
function copySegments(db: Database, segments: number, segmentMs: number): void {
  const [first = 0, owners = 0] = [2, Number(db.prepare('SELECT max(id) AS id FROM owners').get()?.['id'])]
  const names = (table: string, changed: readonly string[]): string[] =>
    db
      .prepare('SELECT name FROM pragma_table_info(?)')
      .all(table)
      .map((column) => String(column['name']))
      .filter((name) => !changed.includes(name))
  const moved = ['id', 'segment', 'flow', 'opened_at', 'seen_at', 'owner']
  const kept = names('flows', moved).join(', ')
  const ownerKept = names('owners', ['id', 'first_segment', 'last_segment']).join(', ')
  db.exec(`UPDATE names SET last_segment = ${segments} WHERE last_segment > 1`)
  for (let copy = 1, at = first + TEMPLATES; at <= segments; copy++, at += TEMPLATES) {
    const last = first + Math.min(TEMPLATES, segments - at + 1) - 1
    const shift = {
      move: at - first,
      ms: Math.round((at - first) * segmentMs),
      owners: copy * owners,
      first,
      last,
    }
    const { owners: ___, ...flowShift } = { ...shift, own: copy * owners, flows: copy * 1e7 }
    inTransaction(db, () => {
      db.prepare(
        `INSERT INTO owners (id, first_segment, last_segment, ${ownerKept})
         SELECT id + $owners, first_segment + $move, last_segment + $move, ${ownerKept} FROM owners
         WHERE id <= $most AND last_segment >= $first AND first_segment <= $last`,
      ).run({ owners: shift.owners, move: shift.move, most: owners, first, last })
      db.prepare(
        `INSERT INTO flows (${moved.join(', ')}, ${kept})
         SELECT id + $ms * 512, segment + $move, flow + $flows, opened_at + $ms, seen_at + $ms, owner + $own, ${kept}
         FROM flows WHERE segment BETWEEN $first AND $last ORDER BY id`,
      ).run(flowShift)
      db.prepare(
        `INSERT INTO segments SELECT segment + $move, first_id + $ms * 512, min_opened + $ms, max_opened + $ms
         FROM segments WHERE segment BETWEEN $first AND $last`,
      ).run({ move: shift.move, ms: shift.ms, first, last })
    })
  }
}

/** What the writer would have summed up, a thousand keys an hour at most. */
function sumHours(db: Database): void {
  const keys: Record<string, string> = {
    program: 'programs.path',
    host: 'CASE direction WHEN 0 THEN hex(flows.source) ELSE hex(target) END',
    country: 'country',
    port: "target_port || '/' || protocol",
    user: 'homes.user',
    container: 'homes.container',
  }
  db.exec('DELETE FROM hours; DELETE FROM days')
  for (const [kind, name] of SUMMARY_KINDS.entries()) {
    db.exec(`
      INSERT INTO hours SELECT ${kind}, period, key, flows, inward, outward, first, last FROM (
        SELECT *, row_number() OVER (PARTITION BY period ORDER BY flows DESC) AS rank FROM (
          SELECT CAST(opened_at / 3600000 AS INTEGER) AS period, ifnull(${keys[name]}, '') AS key, count(*) AS flows,
            sum(bytes_backward) AS inward, sum(bytes_forward) AS outward, min(opened_at) AS first, max(seen_at) AS last
          FROM flows LEFT JOIN owners ON owners.id = flows.owner LEFT JOIN homes ON homes.id = owners.home
            LEFT JOIN programs ON programs.id = flows.program
          GROUP BY 1, 2)) WHERE rank <= 1000`)
  }
  db.exec(`INSERT INTO days SELECT kind, day, key, flows, inward, outward, first, last FROM (
    SELECT *, row_number() OVER (PARTITION BY kind, day ORDER BY flows DESC) AS rank FROM (
      SELECT kind, period / 24 AS day, key, sum(flows) AS flows, sum(bytes_in) AS inward, sum(bytes_out) AS outward,
        min(first_at) AS first, max(last_at) AS last FROM hours GROUP BY 1, 2, 3)) WHERE rank <= 1000`)
}

type Random = (below: number) => number

/** Few values are common and many are rare, as on a real machine. */
const skewed = (random: Random, count: number): number => Math.floor(count * (random(1e6) / 1e6) ** 3)

const PROGRAMS = [
  'curl',
  'firefox',
  'sshd',
  'nginx',
  'postgres',
  'node',
  'python3',
  'chronyd',
  'systemd-resolved',
]
const USERS = ['root', 'anna', 'www-data', 'postgres', 'berta']
const COUNTRIES = ['US', 'DE', 'FR', 'NL', 'GB', 'SE', 'JP', 'BR', 'IN', 'CN', 'AU', 'CA', 'PL', 'IT', 'ES']

function flowOf(id: number, at: number, random: Random): Connection {
  const isInbound = random(10) === 0
  const peer = 100 * 2 ** 24 + skewed(random, 20_000) * 97
  const [high, low] = [32_768 + random(28_000), [443, 80, 53, 123, 22, 993][skewed(random, 6)] ?? 443]
  const isUdp = low === 53 || low === 123
  const ends = { here: ip('192.168.1.5'), there: formatIpv4(peer) }
  const bytes = 60 + Math.floor(2 ** (random(2_600) / 100))
  return {
    ...base(id, at),
    protocol: isUdp ? 17 : 6,
    ...endsOf(ends, high, low, isInbound),
    interfaceName: random(3) === 0 ? 'wlan0' : 'eth0',
    state: isUdp ? 'answered' : 'closed',
    ended: isUdp ? 'timeout' : 'finished',
    bytesForward: bytes,
    bytesBackward: bytes * random(9),
    ...(!isUdp && { handshakeMs: random(20_000) / 100 }),
    ...placeOf(peer),
    ...(random(50) > 0 && { owner: ownerOf(id, skewed(random, 150), skewed(random, 5)) }),
  }
}

type Ends = { readonly here: Ip; readonly there: Ip }

function endsOf({ here, there }: Ends, high: number, low: number, isInbound: boolean) {
  const direction: Direction = isInbound ? 'inbound' : 'outbound'
  return {
    direction,
    source: isInbound ? there : here,
    target: isInbound ? here : there,
    sourcePort: high,
    targetPort: low,
    peer: there,
    peerPort: isInbound ? high : low,
    localPort: isInbound ? low : high,
  }
}

/** Two of three have a name. */
const placeOf = (peer: number): Partial<Connection> => ({
  ...(peer % 3 > 0 && { name: `host-${peer}.example.com`, nameSource: 'dns' }),
  country: COUNTRIES[peer % COUNTRIES.length] ?? 'US',
  asn: 64_512 + (peer % 900),
  asName: `Network ${peer % 900}`,
})

/** Short-lived programs have a process for a few flows, the others one for all of them. */
function ownerOf(id: number, program: number, user: number): Owner {
  const name = PROGRAMS[program] ?? `program-${program}`
  return {
    pid: program % 3 === 0 ? 1000 + ((id >> 4) % 30_000) : 500 + program,
    path: `/usr/bin/${name}`,
    name,
    commandLine: `${name} --serve`,
    uid: 1000 + user,
    user: USERS[user] ?? 'root',
    unit: `unit-${program % 20}.service`,
    source: 'ebpf',
  }
}

const base = (id: number, at: number) => ({
  id,
  communityId: `1:${Buffer.from(`${id} community id 20b`.padEnd(20, '.').slice(0, 20)).toString('base64')}`,
  vlan: 0,
  openedAt: Math.floor(at),
  seenAt: Math.floor(at) + 1500,
  packetsForward: 9,
  packetsBackward: 7,
  retransmitsForward: 0,
  retransmitsBackward: 0,
  tcpFlagsForward: 27,
  tcpFlagsBackward: 27,
})

/** Rare in everything. */
function needle(id: number, at: number): Connection {
  const isV6 = id % 2048 === 512
  const source = ip(isV6 ? '2001:db8:88::1' : '203.0.113.77')
  const target = ip(isV6 ? '2001:db8:77::1' : '203.0.113.78')
  return {
    ...base(id, at),
    protocol: 47,
    source,
    target,
    sourcePort: 64_998,
    targetPort: 64_999,
    direction: 'forward',
    peer: target,
    peerPort: 64_999,
    localPort: 64_998,
    interfaceName: 'needle0',
    state: 'syn-received',
    ended: 'timeout',
    bytesForward: 150e9,
    bytesBackward: 0,
    handshakeMs: 40_000,
    name: 'needle.example',
    nameSource: 'tls',
    country: 'AQ',
    asn: 4_200_000_000,
    asName: 'Needle Networks',
    owner: {
      pid: 3_999_999,
      path: '/opt/needle/bin/needle',
      name: 'needle',
      commandLine: 'needle',
      uid: 4242,
      user: 'needle',
      unit: 'needle.service',
      container: { engine: 'docker', id: 'needle', name: 'needle' },
      source: 'ebpf',
    },
  }
}

/** Numbers that are the same in every run (xorshift32). */
function createRandom(seed: number): Random {
  let state = seed
  return (below) => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) % below
  }
}

if (import.meta.main) await printBench({ title, run })
