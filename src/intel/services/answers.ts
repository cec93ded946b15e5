import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { IndicatorKind } from '#model/indicator.ts'
import type { Opinion, Quota } from './service.ts'

export interface Question {
  readonly service: string
  readonly kind: IndicatorKind
  readonly value: string
  /** Higher goes first. */
  readonly priority: number
}

/** `opinion` is absent when the service knows nothing of it. */
export interface Answer {
  readonly at: number
  readonly opinion?: Opinion
}

const MOST_WAITING = 20_000
const LONGEST_QUOTA_MS = 86_400_000

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS sent (service TEXT NOT NULL, at REAL NOT NULL) STRICT;
  CREATE INDEX IF NOT EXISTS sent_at ON sent (service, at);
  CREATE TABLE IF NOT EXISTS questions (
    service TEXT NOT NULL, kind TEXT NOT NULL, value TEXT NOT NULL, priority INTEGER NOT NULL, at REAL NOT NULL,
    PRIMARY KEY (service, kind, value)
  ) STRICT;
  CREATE INDEX IF NOT EXISTS questions_next ON questions (service, priority DESC, at);
  CREATE TABLE IF NOT EXISTS answers (
    service TEXT NOT NULL, kind TEXT NOT NULL, value TEXT NOT NULL, at REAL NOT NULL, until REAL NOT NULL, opinion TEXT,
    PRIMARY KEY (service, kind, value)
  ) STRICT;
  CREATE INDEX IF NOT EXISTS answers_until ON answers (until);
  CREATE TABLE IF NOT EXISTS pauses (service TEXT PRIMARY KEY, until REAL NOT NULL) STRICT;
`

/** What was asked, what waits, and what came back: on disk, so that a restart asks nothing twice and no faster. */
export class Answers {
  readonly #db: DatabaseSync
  /** How many wait, at most: counting them each time would cost more than asking. */
  readonly #waiting = new Map<string, number>()

  constructor(path: string) {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    this.#db = new DatabaseSync(path, { timeout: 2_000 })
    this.#db.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; ${SCHEMA}`)
  }

  /** The answer that still holds. */
  of({ service, kind, value }: Omit<Question, 'priority'>, now: number): Answer | undefined {
    const row = this.#db
      .prepare('SELECT at, opinion FROM answers WHERE service = ? AND kind = ? AND value = ? AND until > ?')
      .get(service, kind, value, now)
    if (!row) return undefined
    const { opinion } = row
    return {
      at: Number(row['at']),
      ...(typeof opinion === 'string' && { opinion: JSON.parse(opinion) as Opinion }),
    }
  }

  /** Lets a question wait; one that waits already becomes at least as important. False when too many wait. */
  queue({ service, kind, value, priority }: Question, now: number): boolean {
    const waiting = this.#waiting.get(service) ?? MOST_WAITING
    const counted = waiting < MOST_WAITING ? waiting : this.#count(service)
    if (counted >= MOST_WAITING) return false
    this.#waiting.set(service, counted + 1)
    this.#db
      .prepare(
        `INSERT INTO questions VALUES (?, ?, ?, ?, ?)
         ON CONFLICT DO UPDATE SET priority = max(priority, excluded.priority)`,
      )
      .run(service, kind, value, priority, now)
    return true
  }

  #count(service: string): number {
    const row = this.#db.prepare('SELECT count(*) AS count FROM questions WHERE service = ?').get(service)
    return Number(row?.['count'])
  }

  /** The most important question, of those the oldest. */
  next(service: string): Question | undefined {
    const row = this.#db
      .prepare(
        'SELECT kind, value, priority FROM questions WHERE service = ? ORDER BY priority DESC, at LIMIT 1',
      )
      .get(service)
    if (!row) return undefined
    return {
      service,
      kind: row['kind'] as IndicatorKind,
      value: String(row['value']),
      priority: Number(row['priority']),
    }
  }

  /** True when each quota has room for one request now; then it is counted as sent. */
  take(service: string, quotas: readonly Quota[], now: number): boolean {
    const count = this.#db.prepare('SELECT count(*) AS count FROM sent WHERE service = ? AND at > ?')
    const sentSince = (at: number): number => Number(count.get(service, at)?.['count'])
    if (quotas.some(({ requests, seconds }) => sentSince(now - seconds * 1000) >= requests)) return false
    this.#db.prepare('DELETE FROM sent WHERE service = ? AND at <= ?').run(service, now - LONGEST_QUOTA_MS)
    this.#db.prepare('INSERT INTO sent VALUES (?, ?)').run(service, now)
    return true
  }

  /** Keeps an answer until then, and lets its question go. */
  keep({ service, kind, value }: Question, answer: Answer, until: number): void {
    this.#db
      .prepare('INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?, ?, ?)')
      .run(service, kind, value, answer.at, until, answer.opinion ? JSON.stringify(answer.opinion) : null)
    this.drop({ service, kind, value })
    this.#db.prepare('DELETE FROM answers WHERE until <= ?').run(answer.at)
  }

  drop({ service, kind, value }: Omit<Question, 'priority'>): void {
    this.#db
      .prepare('DELETE FROM questions WHERE service = ? AND kind = ? AND value = ?')
      .run(service, kind, value)
  }

  /** Until when nothing may be asked. */
  pausedUntil(service: string): number {
    return Number(this.#db.prepare('SELECT until FROM pauses WHERE service = ?').get(service)?.['until'] ?? 0)
  }

  pause(service: string, until: number): void {
    this.#db.prepare('INSERT OR REPLACE INTO pauses VALUES (?, ?)').run(service, until)
  }

  close(): void {
    this.#db.close()
  }
}
