import type { DatabaseSync } from 'node:sqlite'
import { ipFromBytes } from '#model/address.ts'
import { protocolName } from '#model/packet.ts'
import { programKeyOf, type Summary, type SummaryKind, UNKNOWN_KEY } from '#model/summary.ts'
import { homeOf, type Row, type Values } from '../rows.ts'
import type { FlowSearch, Segment } from './flow-search.ts'
import type { Plan } from './plan.ts'

/** A person waits for this, and the thread does nothing else meanwhile. */
const BUDGET_MS = 300
/** Hosts are chosen by who sends: beyond this their sums are not told apart any more. */
const MAX_KEYS = 100_000

interface Grouping {
  /** Columns that tell the rows apart, as `key1` and `key2`. */
  readonly columns: string
  readonly needsOwners?: true
  keyOf(row: Row): string
}

/** Sums up the flows that a plan finds, newest segment first. Answers the sums, and below which id none was seen. */
export function sumFlows(
  db: DatabaseSync,
  search: FlowSearch,
  { plan, kind }: { readonly plan: Plan; readonly kind: SummaryKind },
): { readonly sums: Map<string, Summary>; readonly stoppedBelow?: number } {
  const grouping = groupingOf(db, kind)
  const from = grouping.needsOwners ? OWNED : plan.from
  const inSegment = db.prepare(
    sumSql(grouping, from, `flows.id >= $first AND flows.id < $end AND ${plan.where}`),
  )
  const amongThese = db.prepare(
    sumSql(grouping, from, `flows.id IN (SELECT value FROM json_each($candidates)) AND ${plan.where}`),
  )
  const sums = new Map<string, Summary>()
  const visit = ({ first, end }: Segment, candidates: readonly number[] | undefined): boolean => {
    const rows = candidates
      ? amongThese.all({ ...plan.values, candidates: JSON.stringify(candidates) } satisfies Values)
      : inSegment.all({ ...plan.values, first, end } satisfies Values)
    for (const row of rows) add(sums, summaryOf(grouping.keyOf(row), row))
    return sums.size < MAX_KEYS
  }
  const stoppedBelow = search.walk(plan, { budgetMs: BUDGET_MS }, visit)
  return { sums, ...(stoppedBelow !== undefined && { stoppedBelow }) }
}

/** A row of sums with its key. */
export const summaryOf = (key: string, row: Row): Summary => ({
  key,
  flows: Number(row['flows']),
  bytesIn: Number(row['bytes_in']),
  bytesOut: Number(row['bytes_out']),
  firstAt: Number(row['first_at']),
  lastAt: Number(row['last_at']),
})

const OWNED = 'flows LEFT JOIN owners ON owners.id = flows.owner'

/** As `bytesOf` in the model: outbound (code 1) and local (3) flows send forward. */
const sumSql = ({ columns }: Grouping, from: string, where: string): string =>
  `SELECT ${columns}, count(*) AS flows,
     sum(CASE WHEN direction IN (1, 3) THEN bytes_backward ELSE bytes_forward END) AS bytes_in,
     sum(CASE WHEN direction IN (1, 3) THEN bytes_forward ELSE bytes_backward END) AS bytes_out,
     min(opened_at) AS first_at, max(seen_at) AS last_at
   FROM ${from} WHERE ${where} GROUP BY 1, 2`

function add(sums: Map<string, Summary>, more: Summary): void {
  const known = sums.get(more.key)
  if (!known) {
    sums.set(more.key, more)
    return
  }
  sums.set(more.key, {
    key: more.key,
    flows: known.flows + more.flows,
    bytesIn: known.bytesIn + more.bytesIn,
    bytesOut: known.bytesOut + more.bytesOut,
    firstAt: Math.min(known.firstAt, more.firstAt),
    lastAt: Math.max(known.lastAt, more.lastAt),
  })
}

function groupingOf(db: DatabaseSync, kind: SummaryKind): Grouping {
  switch (kind) {
    case 'program':
      return { columns: 'flows.program AS key1, 0 AS key2', keyOf: programKeys(db) }
    case 'host':
      return {
        columns: 'CASE direction WHEN 0 THEN flows.source ELSE flows.target END AS key1, 0 AS key2',
        keyOf: (row) => ipFromBytes(row['key1'] as Uint8Array),
      }
    case 'country':
      return { columns: 'country AS key1, 0 AS key2', keyOf: (row) => String(row['key1'] ?? UNKNOWN_KEY) }
    case 'port':
      return { columns: 'target_port AS key1, protocol AS key2', keyOf: portKey }
    case 'user':
      return {
        ...BY_HOME,
        keyOf: homeKeys(db, ({ user, uid }) => user ?? String(uid)),
      }
    case 'container':
      return { ...BY_HOME, keyOf: homeKeys(db, ({ container }) => container?.name ?? container?.id) }
  }
}

const BY_HOME = { columns: 'owners.home AS key1, 0 AS key2', needsOwners: true } as const

function portKey(row: Row): string {
  const name = protocolName(Number(row['key2']))
  return row['key1'] === 0 ? name : `${row['key1']}/${name}`
}

function programKeys(db: DatabaseSync): Grouping['keyOf'] {
  const find = db.prepare('SELECT path, name FROM programs WHERE id = ?')
  return (row) => {
    const program = row['key1'] === null ? undefined : find.get(Number(row['key1']))
    if (!program) return UNKNOWN_KEY
    return programKeyOf({ path: String(program['path']), name: String(program['name']) })
  }
}

function homeKeys(
  db: DatabaseSync,
  keyOf: (home: ReturnType<typeof homeOf>) => string | undefined,
): Grouping['keyOf'] {
  const find = db.prepare('SELECT * FROM homes WHERE id = ?')
  return (row) => {
    const home = row['key1'] === null ? undefined : find.get(Number(row['key1']))
    return (home && keyOf(homeOf(home))) ?? UNKNOWN_KEY
  }
}
