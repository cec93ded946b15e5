import { DatabaseSync } from 'node:sqlite'
import { expect, test } from 'vitest'
import { aBlock, aConnection, aDecision, anAlert, anOwner, NOON } from '../../test/support/remembered.ts'
import { BaselineTable } from './baseline-table.ts'
import { CountedTable } from './counted-table.ts'
import { FlowTable } from './flow-table.ts'
import { Journal } from './journal.ts'
import { migrate } from './migrate.ts'
import { copyTable } from './salvage.ts'
import { copyAll } from './tables.ts'

function empty(): DatabaseSync {
  const db = new DatabaseSync(':memory:')
  migrate(db, ':memory:')
  return db
}

/** Something in every table. */
function full(): DatabaseSync {
  const db = empty()
  const flows = new FlowTable(db, 1)
  const about = {
    name: 'a.example',
    nameSource: 'dns',
    country: 'DE',
    asn: 64_500,
    asName: 'Example',
  } as const
  for (const id of [1, 2, 3]) flows.save([aConnection({ id, owner: anOwner(), ...about })], NOON)
  flows.finish(NOON)
  for (const [at, path] of ['/b', '/a', '/c'].entries())
    flows.firstSeen.seeFile({ path, identity: `file:${at}` }, NOON + at)
  const journal = new Journal(db)
  journal.write({ kind: 'alert', alert: anAlert(4) })
  journal.write({ kind: 'decision', decision: aDecision(7), add: aBlock() })
  journal.write({ kind: 'allow', entries: [{ target: aBlock().target, source: 'person', note: 'mine' }] })
  journal.write({ kind: 'trust', trust: { detector: 'port-scan', accepted: 3, at: NOON } })
  journal.write({ kind: 'egress', entry: { id: 1, at: NOON, to: 'x', what: 'y', why: 'z' } })
  new BaselineTable(db).keep([
    { observer: 'volume', key: 'a', since: NOON, until: NOON, state: new Uint8Array([1]) } as never,
  ])
  const bytes = { sentBytes: 1, sentPackets: 1, receivedBytes: 2, receivedPackets: 2 }
  new CountedTable(db).keep([
    { run: 1, at: NOON, source: 'messages', seconds: 60, programs: [{ program: '/usr/bin/curl', ...bytes }] },
  ])
  return db
}

/** Made anew from flows. */
const DERIVED = ['segment_words', 'segment_codes', 'segment_filters', 'name_pages', 'late_flows']

const tablesOf = (db: DatabaseSync): string[] =>
  db
    .prepare(
      "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT IN ('meta') ORDER BY name",
    )
    .all()
    .map(({ name }) => String(name))
    .filter((name) => !DERIVED.includes(name))

const rowsOf = (db: DatabaseSync, table: string): unknown[] => db.prepare(`SELECT * FROM ${table}`).all()

test('all that memory held is in the file that it moves to, tables without row ids too', () => {
  const [from, into] = [full(), empty()]
  copyAll(from, into)
  for (const table of tablesOf(from)) {
    expect([table, rowsOf(from, table).length > 0]).toEqual([table, true])
    expect([table, rowsOf(into, table)]).toEqual([table, rowsOf(from, table)])
  }
})

test.each(['hours', 'days', 'first_seen', 'program_files', 'decisions'])(
  'rows of %s that are there already stay as they are, and are not counted',
  (table) => {
    const [from, into] = [full(), empty()]
    const count = rowsOf(from, table).length
    expect(copyTable(from, into, table)).toBe(count)
    expect(copyTable(from, into, table)).toBe(0)
    expect(rowsOf(into, table)).toHaveLength(count)
  },
)
