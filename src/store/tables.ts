import type { DatabaseSync } from 'node:sqlite'
import { BaselineTable } from './baseline-table.ts'
import { ColumnBuilder } from './columns/column-builder.ts'
import { CountedTable } from './counted-table.ts'
import type { Database } from './database.ts'
import { FlowList } from './flow-list.ts'
import { FlowTable } from './flow-table.ts'
import { Journal } from './journal.ts'
import { Retention } from './retention.ts'
import { copyTable } from './salvage.ts'
import { FlowSearch } from './search/flow-search.ts'
import type { StoreSettings } from './settings.ts'
import { SummaryTable } from './summary-table.ts'

const EVERY_TABLE = [
  'programs',
  'homes',
  'owners',
  'names',
  'networks',
  'classes',
  'segments',
  'flows',
  'hours',
  'days',
  'first_seen',
  'program_files',
  'alerts',
  'decisions',
  'decision_chain',
  'egress',
  'blocks',
  'allow_entries',
  'trusts',
  'baselines',
  'program_bytes',
  'counted_times',
] as const

/** What stands on one open database; made anew with it. */
export interface Tables {
  readonly database: Database
  readonly flows: FlowTable
  readonly list: FlowList
  readonly search: FlowSearch
  readonly summaries: SummaryTable
  readonly journal: Journal
  readonly baselines: BaselineTable
  readonly counted: CountedTable
  readonly retention: Retention
  readonly columns: ColumnBuilder
}

export function standOn(database: Database, settings: StoreSettings): Tables {
  const { db } = database
  const run = runOf(db)
  const flows = new FlowTable(db, run)
  const search = new FlowSearch(db, run)
  const counted = new CountedTable(db)
  return {
    database,
    flows,
    list: new FlowList(db, run),
    search,
    summaries: new SummaryTable(db, search),
    journal: new Journal(db),
    baselines: new BaselineTable(db),
    counted,
    retention: new Retention(db, { settings, run, rowsGone: () => flows.doubt(), counted }),
    columns: new ColumnBuilder(db),
  }
}

/** The number of this run. It is written with the first flows: a full disk must not keep us from starting. */
const runOf = (db: DatabaseSync): number =>
  Number(db.prepare("SELECT value FROM meta WHERE key = 'run'").get()?.['value'] ?? 0) + 1

/** Copies all that one database holds into another that is new. */
export function copyAll(from: DatabaseSync, into: DatabaseSync): void {
  for (const table of EVERY_TABLE) copyTable(from, into, table)
  const set = into.prepare('UPDATE meta SET value = ? WHERE key = ?')
  for (const row of from.prepare('SELECT key, value FROM meta').all()) {
    set.run(row['value'] ?? 0, row['key'] ?? '')
  }
}
