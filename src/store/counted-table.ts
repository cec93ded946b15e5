import type { DatabaseSync } from 'node:sqlite'
import { BYTES_SOURCES, type CountedMinute, type CountedPeriod } from '#model/program-bytes.ts'
import { HOUR_MS } from './roll-up.ts'
import type { CountedRequest } from './store.ts'

const MINUTE_MS = 60_000
/** Minutes become hours once their hour is over for so long. */
const MINUTES_KEPT_MS = 3 * HOUR_MS
/** Of what several runs counted together. */
const ALL_RUNS = 0
const MAX_LISTED = 500
const COUNTS = ['sent_bytes', 'sent_packets', 'received_bytes', 'received_packets'] as const
const TABLES = [
  { table: 'program_bytes', keys: 'how, program', counts: COUNTS },
  { table: 'counted_times', keys: 'how', counts: ['seconds'] },
] as const

/** Where it cannot be read. */
export const nothingCounted = ({ now }: CountedRequest): CountedPeriod => ({
  programs: [],
  total: 0,
  since: now,
  until: now,
  seconds: 0,
  sources: [],
})

/** What the kernel counted of programs, over time. Its callers hold the transaction. */
export class CountedTable {
  readonly #db: DatabaseSync
  /** The first run that wrote here since the database was opened: what earlier ones wrote is final. */
  #run: number | undefined

  constructor(db: DatabaseSync) {
    this.#db = db
  }

  /** What is written is all of that minute so far: over what was written of it before. */
  keep(minutes: readonly CountedMinute[]): void {
    const time = this.#db.prepare('INSERT OR REPLACE INTO counted_times VALUES (?, ?, ?, ?)')
    const row = this.#db.prepare('INSERT OR REPLACE INTO program_bytes VALUES (?, ?, ?, ?, ?, ?, ?, ?)')
    for (const { at, run, source, seconds, programs } of minutes) {
      this.#run ??= run
      const how = BYTES_SOURCES.indexOf(source)
      time.run(at, run, how, seconds)
      for (const { program, sentBytes, sentPackets, receivedBytes, receivedPackets } of programs) {
        row.run(at, run, how, program, sentBytes, sentPackets, receivedBytes, receivedPackets)
      }
    }
  }

  /** Whole minutes of the last hours, whole hours before. */
  ofPeriod({ since = 0, until, now, limit, programs }: CountedRequest): CountedPeriod {
    const end = until ?? now
    const unit = since > now - MINUTES_KEPT_MS ? MINUTE_MS : HOUR_MS
    const from = Math.floor(since / unit) * unit
    const period = { from, end }
    const ofPrograms = programs === undefined ? '' : 'AND program IN (SELECT value FROM json_each($programs))'
    const rows = this.#db
      .prepare(
        `SELECT program, ${COUNTS.map((count) => `sum(${count}) AS ${count}`).join(', ')}, count(*) OVER () AS total
         FROM program_bytes WHERE at >= $from AND at <= $end ${ofPrograms}
         GROUP BY program ORDER BY sum(sent_bytes) + sum(received_bytes) DESC, program LIMIT $limit`,
      )
      .all({
        ...period,
        limit: Math.min(MAX_LISTED, Math.max(1, limit)),
        ...(programs && { programs: JSON.stringify(programs) }),
      })
    const times = this.#db
      .prepare(
        'SELECT how, sum(seconds) AS seconds FROM counted_times WHERE at >= $from AND at <= $end GROUP BY how ORDER BY 2 DESC',
      )
      .all(period)
    return {
      programs: rows.map((row) => ({
        program: String(row['program']),
        sentBytes: Number(row['sent_bytes']),
        sentPackets: Number(row['sent_packets']),
        receivedBytes: Number(row['received_bytes']),
        receivedPackets: Number(row['received_packets']),
      })),
      total: Number(rows[0]?.['total'] ?? 0),
      since: from,
      until: end,
      seconds: times.reduce((sum, { seconds }) => sum + Number(seconds), 0),
      sources: times.flatMap(({ how }) => BYTES_SOURCES[Number(how)] ?? []),
    }
  }

  /** Old minutes become hours, and what earlier runs counted becomes one. A little at a time; true when there is more. */
  foldOne(now: number): boolean {
    const before = Math.floor((now - MINUTES_KEPT_MS) / HOUR_MS) * HOUR_MS
    const isOld = `at < ${before} AND (run <> ${ALL_RUNS} OR at % ${HOUR_MS} <> 0)`
    const isFormer = this.#run === undefined ? 'FALSE' : `run > ${ALL_RUNS} AND run < ${this.#run}`
    const first = this.#db
      .prepare(`SELECT at FROM counted_times WHERE (${isOld}) OR (${isFormer}) ORDER BY at LIMIT 1`)
      .get()
    if (first === undefined) return false
    const at = Number(first['at'])
    const hour = Math.floor(at / HOUR_MS) * HOUR_MS
    if (at < before) this.#fold(hour, `at >= ${hour} AND at < ${hour + HOUR_MS} AND (${isOld})`)
    else this.#fold(at, `at = ${at} AND ${isFormer}`)
    return true
  }

  /** Nothing of before then stays. */
  forget(before: number): void {
    for (const { table } of TABLES) this.#db.prepare(`DELETE FROM ${table} WHERE at < ?`).run(before)
  }

  /** `which` is a condition of ours with numbers that we computed. */
  #fold(into: number, which: string): void {
    for (const { table, keys, counts } of TABLES) {
      this.#db.exec(`
        INSERT INTO ${table} (at, run, ${keys}, ${counts.join(', ')})
          SELECT ${into}, ${ALL_RUNS}, ${keys}, ${counts.map((count) => `sum(${count})`).join(', ')}
          FROM ${table} WHERE ${which} GROUP BY ${keys}
          ON CONFLICT DO UPDATE SET ${counts.map((count) => `${count} = ${count} + excluded.${count}`).join(', ')};
        DELETE FROM ${table} WHERE ${which};
      `)
    }
  }
}
