import type { DatabaseSync } from 'node:sqlite'
import { END_REASONS } from '#model/flow.ts'
import { SUMMARY_KINDS } from '#model/summary.ts'
import { BaselineTable } from './baseline-table.ts'
import { FilterTable } from './columns/filter-table.ts'
import { NamePages } from './columns/name-pages.ts'
import type { CountedTable } from './counted-table.ts'
import { removeFromChain, shortenChain } from './decision-chain.ts'
import { firstKeyAt } from './flow-key.ts'
import { inTransaction, pragmaNumber } from './migrate.ts'
import { DAY_MS, HOUR_MS } from './roll-up.ts'
import type { StoreSettings } from './settings.ts'

/** Rows per step: a few milliseconds, so that no write waits long. */
const ROWS = 500
const VACUUM_PAGES = 256
/** Under pressure of size these many of the newest alerts and decisions stay. */
const KEPT = 1000

const SHUTDOWN = END_REASONS.indexOf('shutdown')
const BEHIND_NO_BLOCK = {
  alerts: 'id NOT IN (SELECT alert_id FROM blocks WHERE alert_id IS NOT NULL)',
  decisions: 'id NOT IN (SELECT decision_id FROM blocks)',
} as const

/** A step does a little and answers whether there may be more of the same. */
type Step = () => boolean

export interface RetentionParts {
  readonly settings: StoreSettings
  readonly run: number
  readonly rowsGone: () => void
  readonly counted: CountedTable
}

/**
 * Keeps the database within its age and size, a small step at a time. Flows go first: alerts and decisions are
 * few and worth more. Callers run `step` between their writes until it answers false.
 */
export class Retention {
  readonly #db: DatabaseSync
  readonly #settings: StoreSettings
  readonly #run: number
  readonly #rowsGone: () => void
  readonly #counted: CountedTable
  #steps: Step[] = []

  constructor(db: DatabaseSync, { settings, run, rowsGone, counted }: RetentionParts) {
    this.#db = db
    this.#settings = settings
    this.#run = run
    this.#rowsGone = rowsGone
    this.#counted = counted
  }

  /** Begins a round. Nothing happens while one is under way. */
  begin(now: number): void {
    if (this.#steps.length > 0) return
    const { flowsDays, alertsDays, decisionsDays } = this.#settings
    this.#steps = [
      () => this.#closeLeftOpen(),
      () => this.#removeFlows(firstKeyAt(now - flowsDays * DAY_MS)) === ROWS,
      () => this.#removeExpiredBlocks(now - DAY_MS),
      () => this.#remove('alerts', `last_seen_at < ${now - alertsDays * DAY_MS}`) === ROWS,
      () => this.#remove('decisions', `at < ${now - decisionsDays * DAY_MS}`) === ROWS,
      () => this.#removeEgress(now - decisionsDays * DAY_MS),
      () => this.#forgetBaselines(now),
      () => inTransaction(this.#db, () => this.#counted.foldOne(now)),
      () => this.#forgetCounted(now - flowsDays * DAY_MS),
      () => this.#removeOldSums(now - flowsDays * DAY_MS, now - alertsDays * DAY_MS),
      () => this.#shrink(),
      this.#sweep('owners'),
      this.#sweep('names'),
      () => this.#removeUnused(),
      () => this.#giveBack(),
    ]
  }

  /** Does a little; true when there is more to do. */
  step(): boolean {
    const step = this.#steps[0]
    if (!step) return false
    if (!step()) this.#steps.shift()
    return this.#steps.length > 0
  }

  #closeLeftOpen(): boolean {
    const left = 'SELECT id FROM flows WHERE ended IS NULL AND run < ? LIMIT ?'
    const closed = this.#db.prepare(`UPDATE flows SET ended = ? WHERE id IN (${left})`)
    return Number(closed.run(SHUTDOWN, this.#run, ROWS).changes) === ROWS
  }

  /** The oldest flows that are over, below an id; answers how many went. */
  #removeFlows(below: number): number {
    return inTransaction(this.#db, () => {
      const oldest = 'SELECT id FROM flows WHERE id < ? AND ended IS NOT NULL ORDER BY id LIMIT ?'
      const removal = this.#db.prepare(`DELETE FROM flows WHERE id IN (${oldest})`)
      const removed = Number(removal.run(below, ROWS).changes)
      if (removed > 0) this.#db.prepare("UPDATE meta SET value = value - ? WHERE key = 'flows'").run(removed)
      return removed
    })
  }

  /** Blocks that ended while nobody was there to say so. */
  #removeExpiredBlocks(before: number): boolean {
    this.#db.prepare('DELETE FROM blocks WHERE until < ?').run(before)
    return false
  }

  #removeEgress(before: number): boolean {
    const oldest = 'SELECT id FROM egress WHERE at < ? ORDER BY id LIMIT ?'
    return (
      Number(this.#db.prepare(`DELETE FROM egress WHERE id IN (${oldest})`).run(before, ROWS).changes) ===
      ROWS
    )
  }

  /** `which` is a condition of ours with numbers that we computed. What a block in force rests on stays. */
  #remove(table: keyof typeof BEHIND_NO_BLOCK, which: string): number {
    const oldest = `SELECT id FROM ${table} WHERE ${which} AND ${BEHIND_NO_BLOCK[table]} ORDER BY id LIMIT ${ROWS}`
    const remove = (): number =>
      Number(this.#db.prepare(`DELETE FROM ${table} WHERE id IN (${oldest})`).run().changes)
    if (table !== 'decisions') return remove()
    return inTransaction(this.#db, () => {
      removeFromChain(this.#db, oldest)
      const removed = remove()
      if (removed > 0) shortenChain(this.#db)
      return removed
    })
  }

  /** One step towards the allowed size: the oldest flows; without any left, alerts and then decisions. */
  #shrink(): boolean {
    if (this.#usedBytes() <= this.#settings.maxMegabytes * 1_048_576) return false
    if (this.#removeFlows(Number.MAX_SAFE_INTEGER) > 0) return true
    return (['alerts', 'decisions'] as const).some(
      (table) => this.#remove(table, `id < (SELECT max(id) FROM ${table}) - ${KEPT}`) > 0,
    )
  }

  /** Sums of hours go with their flows; those of days, and what was seen first, stay as long as alerts. */
  #removeOldSums(sumsBefore: number, firstBefore: number): boolean {
    for (const kind of SUMMARY_KINDS.keys()) {
      for (const [table, periodMs, before] of [
        ['hours', HOUR_MS, sumsBefore],
        ['days', DAY_MS, firstBefore],
      ] as const) {
        const oldest = `SELECT period, key FROM ${table} WHERE kind = $kind AND period < $period LIMIT $rows`
        this.#db
          .prepare(`DELETE FROM ${table} WHERE kind = $kind AND (period, key) IN (${oldest})`)
          .run({ kind, period: Math.floor(before / periodMs), rows: ROWS })
      }
    }
    this.#db.prepare('DELETE FROM first_seen WHERE last_at < ?').run(firstBefore)
    this.#db.prepare('DELETE FROM program_files WHERE last_at < ?').run(firstBefore)
    return false
  }

  #forgetBaselines(now: number): boolean {
    new BaselineTable(this.#db).forget(now)
    return false
  }

  #forgetCounted(before: number): boolean {
    this.#counted.forget(before)
    return false
  }

  /** Owners or names whose last flow is gone, walked once by id. */
  #sweep(table: 'owners' | 'names'): Step {
    let after = 0
    const kept = 'coalesce((SELECT segment FROM flows ORDER BY id LIMIT 1), 9e9)'
    return () => {
      const rows = this.#db
        .prepare(`SELECT id FROM ${table} WHERE id > ? ORDER BY id LIMIT ?`)
        .all(after, ROWS)
      const last = rows.at(-1)?.['id']
      if (last === undefined) return false
      const gone = this.#db.prepare(
        `DELETE FROM ${table} WHERE id > ? AND id <= ? AND last_segment < ${kept}`,
      )
      inTransaction(this.#db, () => {
        if (Number(gone.run(after, last).changes) === 0) return
        this.#rowsGone()
        if (table === 'names') new NamePages(this.#db).renew(after + 1, Number(last))
      })
      after = Number(last)
      return true
    }
  }

  /** Programs, homes and segments that nothing is left of. */
  #removeUnused(): boolean {
    this.#db.exec(`
      DELETE FROM programs WHERE NOT EXISTS (SELECT 1 FROM owners WHERE owners.program = programs.id);
      DELETE FROM homes WHERE NOT EXISTS (SELECT 1 FROM owners WHERE owners.home = homes.id);
      DELETE FROM segments WHERE segment < (SELECT segment FROM flows ORDER BY id LIMIT 1);
      DELETE FROM segment_words WHERE segment NOT IN (SELECT segment FROM segments);
      DELETE FROM segment_codes WHERE segment NOT IN (SELECT segment FROM segments);
      DELETE FROM late_flows WHERE segment NOT IN (SELECT segment FROM segments);
    `)
    new FilterTable(this.#db).removeGone()
    return false
  }

  /** Free pages go back to the disk when they are many; a few are used again soon. */
  #giveBack(): boolean {
    const free = pragmaNumber(this.#db, 'freelist_count')
    if (free < VACUUM_PAGES || free < pragmaNumber(this.#db, 'page_count') / 10) return false
    this.#db.exec(`PRAGMA incremental_vacuum(${VACUUM_PAGES})`)
    return pragmaNumber(this.#db, 'freelist_count') < free
  }

  #usedBytes(): number {
    const used = pragmaNumber(this.#db, 'page_count') - pragmaNumber(this.#db, 'freelist_count')
    return used * pragmaNumber(this.#db, 'page_size')
  }
}
