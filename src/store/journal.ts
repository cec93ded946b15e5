import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { Alert } from '#model/alert.ts'
import type { AllowEntry } from '#model/allow.ts'
import type { Block } from '#model/block.ts'
import type { Decision } from '#model/decision.ts'
import type { EgressEntry } from '#model/egress.ts'
import type { Trust } from '#model/trust.ts'
import { type CursorKind, cursorAfter, readCursor, sliceLimit } from './cursor.ts'
import { DecisionChain } from './decision-chain.ts'
import {
  alertOf,
  alertValues,
  blockOf,
  blockValues,
  decisionOf,
  decisionValues,
  egressOf,
  egressValues,
  type Row,
  trustOf,
} from './rows.ts'
import { columnsOf } from './salvage.ts'
import type { Remembered, Slice, SliceRequest } from './store.ts'

/** One thing that must not be lost: it is on disk before its writer hears back. */
export type Entry =
  | { readonly kind: 'alert'; readonly alert: Alert }
  | {
      readonly kind: 'decision'
      readonly decision: Decision
      readonly add?: Block
      readonly remove?: Block['target']
    }
  | { readonly kind: 'egress'; readonly entry: EgressEntry }
  | { readonly kind: 'allow'; readonly entries: readonly AllowEntry[] }
  | { readonly kind: 'trust'; readonly trust: Trust }

/** Repeats fold into alerts of the last day. */
const RECENT_MS = 86_400_000
const RECENT_ALERTS = 1000
const PAST_DECISIONS = 20_000

/** Alerts, decisions, blocks in force and the personal allow list of one database. Its callers hold the transaction. */
export class Journal {
  readonly #db: DatabaseSync
  readonly #alert: StatementSync
  readonly #decision: StatementSync
  readonly #block: StatementSync
  readonly #egress: StatementSync
  readonly chain: DecisionChain

  constructor(db: DatabaseSync) {
    this.#db = db
    this.#alert = db.prepare(upsertInto('alerts', columnsOf(db, 'alerts'), 'id'))
    this.#decision = db.prepare(insertInto('decisions', columnsOf(db, 'decisions')))
    this.#block = db.prepare(upsertInto('blocks', columnsOf(db, 'blocks'), 'target'))
    this.chain = new DecisionChain(db)
    this.#egress = db.prepare(upsertInto('egress', columnsOf(db, 'egress'), 'id'))
  }

  write(entry: Entry): void {
    switch (entry.kind) {
      case 'alert':
        this.#alert.run(alertValues(entry.alert))
        return
      case 'decision':
        this.#addDecision(entry.decision)
        if (entry.remove !== undefined)
          this.#db.prepare('DELETE FROM blocks WHERE target = ?').run(entry.remove)
        if (entry.add) this.#block.run(blockValues(entry.add))
        return
      case 'egress':
        this.#egress.run(egressValues(entry.entry))
        return
      case 'allow':
        this.#replaceAllow(entry.entries)
        return
      case 'trust':
        this.#keepTrust(entry.trust)
    }
  }

  remembered(now: number): Remembered {
    const blocks = this.#rows('SELECT * FROM blocks WHERE until IS NULL OR until > ? ORDER BY since', now)
    const allow = this.#rows('SELECT target, note FROM allow_entries ORDER BY target')
    const alerts = this.#rows(
      `SELECT * FROM alerts WHERE last_seen_at > ? ORDER BY last_seen_at DESC LIMIT ${RECENT_ALERTS}`,
      now - RECENT_MS,
    )
    const firstAt = this.#rows('SELECT min(at) AS at FROM first_seen')[0]?.['at']
    return {
      blocks: blocks.map(blockOf),
      allow: allow.map(
        (row): AllowEntry => ({
          target: row['target'] as AllowEntry['target'],
          source: 'person',
          note: String(row['note']),
        }),
      ),
      alerts: alerts.map(alertOf),
      past: this.#past(),
      trusts: this.#rows('SELECT * FROM trusts').map(trustOf),
      lastAlertId: this.#lastId('alerts'),
      lastDecisionId: this.#lastId('decisions'),
      ...(typeof firstAt === 'number' && { watchedSince: firstAt }),
    }
  }

  alerts(request: SliceRequest): Slice<Alert> {
    return this.#slice('alerts', request, alertOf)
  }

  decisions(request: SliceRequest): Slice<Decision> {
    return this.#slice('decisions', request, decisionOf)
  }

  egress(request: SliceRequest): Slice<EgressEntry> {
    return this.#slice('egress', request, egressOf)
  }

  decision(id: number): Decision | undefined {
    const row = this.#db.prepare('SELECT * FROM decisions WHERE id = ?').get(id)
    return row && decisionOf(row)
  }

  /** What is written once stays as it is. */
  #addDecision(decision: Decision): void {
    const values = decisionValues(decision)
    this.chain.add(values)
    this.#decision.run(values)
  }

  #replaceAllow(entries: readonly AllowEntry[]): void {
    this.#db.exec('DELETE FROM allow_entries')
    const insert = this.#db.prepare('INSERT OR REPLACE INTO allow_entries (target, note) VALUES (?, ?)')
    for (const entry of entries) if (entry.source === 'person') insert.run(entry.target, entry.note)
  }

  #keepTrust({ detector, accepted, at }: Trust): void {
    this.#db
      .prepare('INSERT OR REPLACE INTO trusts (detector, accepted, at) VALUES (?, ?, ?)')
      .run(detector, accepted, at)
  }

  #past(): Decision[] {
    const newestFirst = this.#rows(
      `SELECT * FROM decisions WHERE (kind = 'block' AND alert_id IS NOT NULL) OR kind = 'unblock'
        ORDER BY id DESC LIMIT ${PAST_DECISIONS}`,
    )
    return newestFirst.map(decisionOf).reverse()
  }

  #slice<Item extends { readonly id: number }>(
    kind: Exclude<CursorKind, 'flows'>,
    request: SliceRequest,
    read: (row: Row) => Item,
  ): Slice<Item> {
    const limit = sliceLimit(request.limit)
    const below = request.cursor === undefined ? Number.MAX_SAFE_INTEGER : readCursor(kind, request.cursor)
    const rows = this.#rows(`SELECT * FROM ${kind} WHERE id < ? ORDER BY id DESC LIMIT ?`, below, limit + 1)
    const total = Number(this.#rows(`SELECT count(*) AS total FROM ${kind}`)[0]?.['total'])
    const items = rows.slice(0, limit).map(read)
    const last = items.at(-1)
    return { items, total, ...(rows.length > limit && last && { next: cursorAfter(kind, last.id) }) }
  }

  #lastId(table: 'alerts' | 'decisions'): number {
    return Number(this.#rows('SELECT seq FROM sqlite_sequence WHERE name = ?', table)[0]?.['seq'] ?? 0)
  }

  #rows(sql: string, ...values: (number | string)[]): Row[] {
    return this.#db.prepare(sql).all(...values)
  }
}

function insertInto(table: string, names: readonly string[]): string {
  const values = names.map((name) => `$${name}`).join(', ')
  return `INSERT OR IGNORE INTO ${table} (${names.join(', ')}) VALUES (${values})`
}

/** A statement that writes a row anew, or over the one with the same `key`. Names are ours, values are bound. */
function upsertInto(table: string, names: readonly string[], key: string): string {
  const changed = names.filter((name) => name !== key).map((name) => `${name} = excluded.${name}`)
  return `INSERT INTO ${table} (${names.join(', ')}) VALUES (${names.map((name) => `$${name}`).join(', ')})
    ON CONFLICT (${key}) DO UPDATE SET ${changed.join(', ')}`
}
