import { DatabaseSync } from 'node:sqlite'
import { expect, test } from 'vitest'
import { parseSearch } from '#contract/search/parse.ts'
import { aConnection, NOON } from '../../test/support/remembered.ts'
import { ColumnBuilder } from './columns/column-builder.ts'
import { CountedTable } from './counted-table.ts'
import { FlowTable } from './flow-table.ts'
import { migrate } from './migrate.ts'
import { Retention } from './retention.ts'
import { FlowSearch } from './search/flow-search.ts'
import { storeSettings } from './settings.ts'

const DAY_MS = 86_400_000
const SEGMENT = 700

test('what searches read instead of flows goes with the flows, and says the truth of those that stay', () => {
  const db = new DatabaseSync(':memory:')
  migrate(db, ':memory:')
  const table = new FlowTable(db, 1, SEGMENT)
  const save = (from: number, name: string, at: number): void => {
    const flows = Array.from({ length: 2 * SEGMENT }, (_, place) =>
      aConnection({ id: from + place, name: `${name}-${place}.example`, openedAt: at, ended: 'finished' }),
    )
    table.save(flows, at)
  }
  save(1, 'old', NOON - 40 * DAY_MS)
  save(10_000, 'new', NOON - DAY_MS)
  const builder = new ColumnBuilder(db)
  const build = (): void => {
    while (builder.step());
  }
  build()
  expect(countOf(db, 'name_pages')).toBe(2)

  const retention = new Retention(db, {
    settings: storeSettings.parse({}),
    run: 1,
    rowsGone: () => table.doubt(),
    counted: new CountedTable(db),
  })
  retention.begin(NOON)
  while (retention.step());
  build()

  expect(segmentsOf(db, 'segment_filters')).toEqual([3])
  expect(segmentsOf(db, 'segment_words')).toEqual([3])
  expect(segmentsOf(db, 'segment_codes')).toEqual([3])
  expect(found(db, 'name:old-*')).toBe(0)
  expect(found(db, 'name:new-*')).toBe(2 * SEGMENT)
  // Their ids may be those of names that are gone.
  save(20_000, 'newer', NOON)
  expect(found(db, 'name:newer-*')).toBe(2 * SEGMENT)
  build()
  expect(found(db, 'name:newer-*')).toBe(2 * SEGMENT)
  expect(found(db, 'name:*-7.example')).toBe(2)
})

const countOf = (db: DatabaseSync, table: string): number =>
  Number(db.prepare(`SELECT count(*) AS count FROM ${table}`).get()?.['count'])

const segmentsOf = (db: DatabaseSync, table: string): number[] =>
  db
    .prepare(`SELECT DISTINCT segment FROM ${table} ORDER BY segment`)
    .all()
    .map(({ segment }) => Number(segment))

function found(db: DatabaseSync, text: string): number {
  const parsed = parseSearch(text, NOON)
  if (parsed.state === 'error') throw new Error(parsed.error.message)
  const search = new FlowSearch(db, 1, { budgetMs: 1e9, candidates: 2000 })
  let count = 0
  let cursor: string | undefined
  do {
    const page = search.slice({ search: parsed.search, limit: 500, now: NOON, ...(cursor && { cursor }) })
    count += page.items.length
    cursor = page.next
  } while (cursor)
  return count
}
