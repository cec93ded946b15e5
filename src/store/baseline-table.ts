import type { DatabaseSync } from 'node:sqlite'
import type { Usual } from '#model/baseline.ts'
import type { Row } from './rows.ts'

/** Of all observers; each bounds its own. */
const MOST_ROWS = 20_000
/** What was not measured for so long is forgotten. */
const KEPT_MS = 60 * 86_400_000

/** What observers learned of what is usual. Its callers hold the transaction. */
export class BaselineTable {
  readonly #db: DatabaseSync

  constructor(db: DatabaseSync) {
    this.#db = db
  }

  keep(usual: readonly Usual[]): void {
    const upsert = this.#db.prepare(
      `INSERT INTO baselines (observer, key, since, until, state) VALUES ($observer, $key, $since, $until, $state)
       ON CONFLICT (observer, key) DO UPDATE SET since = $since, until = $until, state = $state`,
    )
    for (const { observer, key, since, until, state } of usual) {
      upsert.run({ observer, key, since, until, state })
    }
  }

  all(): Usual[] {
    return this.#db
      .prepare(`SELECT * FROM baselines ORDER BY until DESC LIMIT ${MOST_ROWS}`)
      .all()
      .map(usualOf)
  }

  forget(now: number): void {
    this.#db.prepare('DELETE FROM baselines WHERE until < ?').run(now - KEPT_MS)
  }
}

const usualOf = (row: Row): Usual => ({
  observer: String(row['observer']),
  key: String(row['key']),
  since: Number(row['since']),
  until: Number(row['until']),
  state: row['state'] as Uint8Array,
})
