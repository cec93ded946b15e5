import type { DatabaseSync } from 'node:sqlite'
import { FIRST_KINDS } from '#model/first-seen.ts'
import { firstKeyAt, timeOfKey } from './flow-key.ts'
import { HOUR_MS } from './roll-up.ts'
import type { TimelineRequest, TimelineSlice } from './store.ts'

/** Flows, processes and entries that are counted one by one; beyond it whole hours, or less far back. */
const MOST_FLOWS = 100_000
const MOST_OWNERS = 20_000
const MOST_ENTRIES = 20_000
const MOST_FIRSTS = 200
const MOST_BUCKETS = 400
const SUM_KIND = 0

type Counted = TimelineSlice['lanes'][number]

/** When processes started, names, flows, alerts and decisions came, by bucket. Bounded in work, whatever the period. */
export function timelineOf(db: DatabaseSync, request: TimelineRequest): TimelineSlice {
  const walked = flowsOf(db, request)
  const isCounted = walked.reachesTo <= request.since
  // A busy period: its flows are known by the hour, and so everything is shown by the hour.
  const coarse = isCounted ? request : { ...request, bucketMs: wholeHours(request.bucketMs) }
  const { flows, names, reachesTo } = isCounted ? walked : flowsOf(db, coarse)
  const lanes: Counted[] = [
    startsOf(db, coarse),
    { id: 'names', counts: names, reachesTo },
    isCounted ? { id: 'flows', counts: flows, reachesTo } : hourlyFlowsOf(db, coarse),
    entriesOf(db, 'alerts', coarse),
    entriesOf(db, 'decisions', coarse),
  ]
  return { bucketMs: coarse.bucketMs, lanes, starts: startedIn(db, coarse), firsts: firstsIn(db, coarse) }
}

const wholeHours = (ms: number): number => Math.max(1, Math.ceil(ms / HOUR_MS)) * HOUR_MS

function countsFor({ since, until, bucketMs }: TimelineRequest): number[] {
  return new Array<number>(Math.min(MOST_BUCKETS, Math.max(1, Math.ceil((until - since) / bucketMs)))).fill(0)
}

function put(counts: number[], bucket: number, count: number): void {
  const known = counts[bucket]
  if (known !== undefined) counts[bucket] = known + count
}

/** The newest flows of the period, and the different names among them. */
function flowsOf(db: DatabaseSync, request: TimelineRequest) {
  const { since, until, bucketMs } = request
  const [flows, names] = [countsFor(request), countsFor(request)]
  const first = firstKeyAt(since)
  const rows = db
    .prepare(
      `SELECT CAST((id - $first) / $step AS INTEGER) AS bucket, count(*) AS flows, count(DISTINCT name) AS names, min(id) AS oldest
       FROM (SELECT id, name FROM flows WHERE id >= $first AND id < $end ORDER BY id DESC LIMIT ${MOST_FLOWS})
       GROUP BY 1`,
    )
    .all({ first, end: firstKeyAt(until), step: firstKeyAt(since + bucketMs) - first })
  let [all, oldest] = [0, Number.POSITIVE_INFINITY]
  for (const row of rows) {
    put(flows, Number(row['bucket']), Number(row['flows']))
    put(names, Number(row['bucket']), Number(row['names']))
    all += Number(row['flows'])
    oldest = Math.min(oldest, Number(row['oldest']))
  }
  return { flows, names, reachesTo: all < MOST_FLOWS ? since : timeOfKey(oldest) + 1 }
}

function hourlyFlowsOf(db: DatabaseSync, request: TimelineRequest): Counted {
  const { since, until, bucketMs } = request
  const counts = countsFor(request)
  const rows = db
    .prepare(
      `SELECT period, sum(flows) AS flows FROM hours WHERE kind = ${SUM_KIND} AND period >= ? AND period <= ?
       GROUP BY period`,
    )
    .all(Math.floor(since / HOUR_MS), Math.floor((until - 1) / HOUR_MS))
  for (const row of rows) {
    const at = Math.max(since, Number(row['period']) * HOUR_MS)
    put(counts, Math.floor((at - since) / bucketMs), Number(row['flows']))
  }
  return { id: 'flows', counts, reachesTo: since }
}

const OWNERS = `SELECT json_extract(details, '$.startedAt') AS started, pid, program FROM owners
  ORDER BY id DESC LIMIT ${MOST_OWNERS}`

/** Processes by when they started: the newest that ever had a flow. */
function startsOf(db: DatabaseSync, request: TimelineRequest): Counted {
  const { since, until, bucketMs } = request
  const counts = countsFor(request)
  const rows = db
    .prepare(
      `SELECT CAST((started - $since) / $bucketMs AS INTEGER) AS bucket, count(*) AS count FROM (${OWNERS})
       WHERE started >= $since AND started < $until GROUP BY 1`,
    )
    .all({ since, until, bucketMs })
  for (const row of rows) put(counts, Number(row['bucket']), Number(row['count']))
  const known = db.prepare(`SELECT count(*) AS count, min(started) AS oldest FROM (${OWNERS})`).get()
  const isAll = Number(known?.['count'] ?? 0) < MOST_OWNERS
  return {
    id: 'exec',
    counts,
    reachesTo: isAll ? since : Math.max(since, Number(known?.['oldest'] ?? since)),
  }
}

function startedIn(db: DatabaseSync, { since, until }: TimelineRequest): TimelineSlice['starts'] {
  return db
    .prepare(
      `SELECT started, pid, name FROM (${OWNERS}) JOIN programs ON programs.id = program
       WHERE started >= ? AND started < ? ORDER BY started DESC LIMIT ${MOST_FIRSTS}`,
    )
    .all(since, until)
    .map((row) => ({ at: Number(row['started']), pid: Number(row['pid']), program: String(row['name']) }))
}

function entriesOf(db: DatabaseSync, id: 'alerts' | 'decisions', request: TimelineRequest): Counted {
  const { since, until, bucketMs } = request
  const counts = countsFor(request)
  // The index of alerts is of when they were seen last, which is never before they came.
  const known = id === 'alerts' ? 'last_seen_at >= $since AND at >= $since' : 'at >= $since'
  const rows = db
    .prepare(
      `SELECT CAST((at - $since) / $bucketMs AS INTEGER) AS bucket, count(*) AS count, min(at) AS oldest FROM
         (SELECT at FROM ${id} WHERE ${known} AND at < $until ORDER BY at DESC LIMIT ${MOST_ENTRIES}) GROUP BY 1`,
    )
    .all({ since, until, bucketMs })
  let [all, oldest] = [0, Number.POSITIVE_INFINITY]
  for (const row of rows) {
    put(counts, Number(row['bucket']), Number(row['count']))
    all += Number(row['count'])
    oldest = Math.min(oldest, Number(row['oldest']))
  }
  return { id, counts, reachesTo: all < MOST_ENTRIES ? since : oldest }
}

/** Programs with the hosts that they met then for the first time. */
function firstsIn(db: DatabaseSync, { since, until }: TimelineRequest): TimelineSlice['firsts'] {
  return db
    .prepare(
      `SELECT program, peer, at FROM first_seen WHERE at >= ? AND at < ? AND kind = ?
       ORDER BY at DESC LIMIT ${MOST_FIRSTS}`,
    )
    .all(since, until, FIRST_KINDS.indexOf('program-host'))
    .map((row) => ({
      program: String(row['program']),
      peer: String(row['peer']),
      at: Number(row['at']),
    }))
}
