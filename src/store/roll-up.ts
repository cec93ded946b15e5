import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { Connection } from '#model/flow.ts'
import { bytesOf, OTHERS_KEY, SUMMARY_KINDS, summaryKeyOf, UNKNOWN_KEY } from '#model/summary.ts'

export const HOUR_MS = 3_600_000
export const DAY_MS = 24 * HOUR_MS
/** Keys in a period, by kind: an attacker chooses hosts and ports. The rest is summed up as the others. */
const MAX_KEYS: Readonly<Record<(typeof SUMMARY_KINDS)[number], number>> = {
  program: 500,
  host: 1000,
  country: 300,
  port: 500,
  user: 300,
  container: 500,
}
/** Sums wait so long, or until there are so many, before they are written: a crash loses no more. */
const WRITE_EVERY_MS = 5_000
const WRITE_AT = 4_000

interface Sum {
  readonly kind: number
  readonly period: number
  readonly key: string
  flows: number
  bytesIn: number
  bytesOut: number
  firstAt: number
  lastAt: number
}

/** What is counted of a flow: by how much it grew since it was last counted. */
export interface Growth {
  readonly flows: number
  readonly bytesForward: number
  readonly bytesBackward: number
}

type Keys = readonly string[]

/** Sums of each hour and each day, kept while flows are written. Its callers hold the transaction, and say how it ended. */
export class RollUp {
  readonly #tables: readonly PeriodSums[]

  constructor(db: DatabaseSync) {
    this.#tables = [new PeriodSums(db, 'hours', HOUR_MS), new PeriodSums(db, 'days', DAY_MS)]
  }

  add(connection: Connection, growth: Growth, now: number): void {
    const keys = keysOf(connection)
    for (const table of this.#tables) table.add(connection, keys, growth, now)
  }

  /** A flow that had no owner or place when it was counted has one now: what it had moves over. */
  move(before: Connection, after: Connection, counted: Growth, now: number): void {
    for (const table of this.#tables) table.move(before, after, counted, now)
  }

  /** At the end of a transaction: writes what waited long enough, or everything when `isLast`. */
  settle(now: number, isLast = false): void {
    for (const table of this.#tables) table.settle(now, isLast)
  }

  committed(): void {
    for (const table of this.#tables) table.committed()
  }

  rolledBack(): void {
    for (const table of this.#tables) table.rolledBack()
  }
}

/** The sums of one length of time. Changes count once their transaction is committed. */
class PeriodSums {
  readonly #table: 'hours' | 'days'
  readonly #periodMs: number
  readonly #db: DatabaseSync
  readonly #write: StatementSync
  /** Counted and committed, but not written. */
  #waiting = new Map<string, Sum>()
  /** Of the open transaction. */
  #fresh = new Map<string, Sum>()
  #writtenNow = false
  #writeAt = 0
  #period = Number.NaN
  readonly #keys: Set<string>[] = SUMMARY_KINDS.map(() => new Set())

  constructor(db: DatabaseSync, table: 'hours' | 'days', periodMs: number) {
    this.#db = db
    this.#table = table
    this.#periodMs = periodMs
    this.#write = db.prepare(
      `INSERT INTO ${table} (kind, period, key, flows, bytes_in, bytes_out, first_at, last_at)
       VALUES ($kind, $period, $key, $flows, $bytesIn, $bytesOut, $firstAt, $lastAt)
       ON CONFLICT (kind, period, key) DO UPDATE SET flows = flows + excluded.flows,
         bytes_in = bytes_in + excluded.bytes_in, bytes_out = bytes_out + excluded.bytes_out,
         first_at = min(first_at, excluded.first_at), last_at = max(last_at, excluded.last_at)`,
    )
  }

  add(connection: Connection, keys: Keys, growth: Growth, now: number): void {
    for (const [kind, key] of keys.entries()) {
      this.#count(kind, this.#admitted(kind, key, connection, now), { connection, growth, now })
    }
  }

  move(before: Connection, after: Connection, counted: Growth, now: number): void {
    const [from, to] = [keysOf(before), keysOf(after)]
    const taken = {
      flows: -counted.flows,
      bytesForward: -counted.bytesForward,
      bytesBackward: -counted.bytesBackward,
    }
    for (const [kind, key] of to.entries()) {
      if (key === from[kind] || from[kind] !== UNKNOWN_KEY) continue
      this.#count(kind, UNKNOWN_KEY, { connection: after, growth: taken, now })
      this.#count(kind, this.#admitted(kind, key, after, now), { connection: after, growth: counted, now })
    }
  }

  settle(now: number, isLast = false): void {
    const isDue = now - this.#writeAt >= WRITE_EVERY_MS || now < this.#writeAt
    if (!isLast && !isDue && this.#waiting.size + this.#fresh.size < WRITE_AT) return
    for (const sums of [this.#waiting, this.#fresh]) {
      for (const sum of sums.values()) this.#write.run({ ...sum })
    }
    this.#writtenNow = true
    this.#writeAt = now
  }

  committed(): void {
    if (this.#writtenNow) this.#waiting = new Map()
    else for (const [text, sum] of this.#fresh) merge(this.#waiting, text, sum)
    this.#fresh = new Map()
    this.#writtenNow = false
  }

  rolledBack(): void {
    this.#fresh = new Map()
    this.#writtenNow = false
    this.#period = Number.NaN
  }

  #count(
    kind: number,
    key: string,
    { connection, growth, now }: { connection: Connection; growth: Growth; now: number },
  ): void {
    const period = Math.floor(now / this.#periodMs)
    const bytes = bytesOf({ ...growth, direction: connection.direction })
    merge(this.#fresh, `${kind} ${period} ${key}`, {
      kind,
      period,
      key,
      flows: growth.flows,
      ...bytes,
      firstAt: connection.openedAt,
      lastAt: connection.seenAt,
    })
  }

  /** The key itself while there is room in this period. Who was never answered gets half of the room at most. */
  #admitted(kind: number, key: string, connection: Connection, now: number): string {
    const period = Math.floor(now / this.#periodMs)
    if (period !== this.#period) this.#begin(period)
    const keys = this.#keys[kind]
    if (!keys || keys.has(key)) return key
    const room = MAX_KEYS[SUMMARY_KINDS[kind] ?? 'host']
    if (keys.size >= (connection.packetsBackward > 0 ? room : room / 2)) return OTHERS_KEY
    keys.add(key)
    return key
  }

  #begin(period: number): void {
    this.#period = period
    const written = this.#db.prepare(`SELECT key FROM ${this.#table} WHERE kind = ? AND period = ?`)
    for (const [kind, keys] of this.#keys.entries()) {
      keys.clear()
      for (const row of written.all(kind, period)) keys.add(String(row['key']))
      for (const sum of this.#waiting.values())
        if (sum.kind === kind && sum.period === period) keys.add(sum.key)
    }
  }
}

const keysOf = (connection: Connection): Keys => SUMMARY_KINDS.map((kind) => summaryKeyOf(kind, connection))

function merge(into: Map<string, Sum>, text: string, sum: Sum): void {
  const known = into.get(text)
  if (!known) {
    into.set(text, { ...sum })
    return
  }
  known.flows += sum.flows
  known.bytesIn += sum.bytesIn
  known.bytesOut += sum.bytesOut
  known.firstAt = Math.min(known.firstAt, sum.firstAt)
  known.lastAt = Math.max(known.lastAt, sum.lastAt)
}
