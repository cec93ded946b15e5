import { readdirSync, readFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { expect, test } from 'vitest'
import { parseSearch } from '#contract/search/parse.ts'
import { ip } from '#model/address.ts'
import type { Connection } from '#model/flow.ts'
import { aConnection, NOON } from '../../test/support/remembered.ts'
import { ColumnBuilder } from './columns/column-builder.ts'
import { FlowTable } from './flow-table.ts'
import { migrate } from './migrate.ts'
import { FlowSearch } from './search/flow-search.ts'

const FOLDER = new URL('./migrations/', import.meta.url)

/** As version 8 left it: two segments, with an interpreter that runs a script. */
function olderDatabase(): DatabaseSync {
  const db = new DatabaseSync(':memory:')
  for (const name of readdirSync(FOLDER).sort()) {
    if (name < '009') db.exec(readFileSync(new URL(name, FOLDER), 'utf8'))
  }
  db.exec(`PRAGMA user_version = 8; PRAGMA application_id = ${0x47415445};
    INSERT INTO programs VALUES (1, '/usr/bin/python3', 'python3');
    INSERT INTO homes VALUES (1, 0, 'root', 'backup.service', NULL);
    INSERT INTO owners (id, program, pid, command_line, source, last_segment, home, details, first_segment)
      VALUES (1, 1, 7, 'python3', 'netlink', 2, 1, '{"script":"/opt/backup.py","confidence":0.9}', 1);
    INSERT INTO segments VALUES (1, 100, ${NOON}, ${NOON}), (2, 200, ${NOON}, ${NOON});`)
  const insert =
    db.prepare(`INSERT INTO flows (id, segment, run, flow, community_id, protocol, interface, vlan, direction, source,
      source_port, target, target_port, opened_at, seen_at, state, ended, packets_forward, packets_backward, bytes_forward,
      bytes_backward, retransmits_forward, retransmits_backward, tcp_flags_forward, tcp_flags_backward, owner, program)
    VALUES (?, ?, 1, ?, 'x', 6, 'eth0', 0, 1, x'0a000001', 4000, x'0a000002', 443, ${NOON}, ${NOON}, 2, 0, 1, 1, 9, 9, 0, 0, 0, 0, 1, 1)`)
  for (const [id, segment] of [
    [100, 1],
    [101, 1],
    [200, 2],
  ])
    insert.run(id ?? 0, segment ?? 0, id ?? 0)
  return db
}

test('what an older version kept is read as it was, and found by what is new, with columns and without', () => {
  const db = olderDatabase()
  migrate(db, ':memory:')
  const idsOf = (text: string): readonly number[] => {
    const parsed = parseSearch(text, NOON)
    if (parsed.state === 'error') throw new Error(parsed.error.message)
    const { items } = new FlowSearch(db, 2).slice({ search: parsed.search, limit: 9, now: NOON })
    expect(items[0]?.owner ?? { confidence: 0.9 }).toMatchObject({ confidence: 0.9 })
    return items.map(({ id }) => id)
  }
  const found = (): unknown =>
    ['script:backup', 'owner:netlink', 'unit:backup', 'owner:ebpf', 'bytes:18', '-script:backup'].map(idsOf)
  const all = [200, 101, 100]
  expect(found()).toEqual([all, all, all, [], all, []])
  const builder = new ColumnBuilder(db)
  while (builder.step());
  expect(db.prepare("SELECT segment FROM segment_codes WHERE name = 'id'").all()).toEqual([{ segment: 1 }])
  expect(found()).toEqual([all, all, all, [], all, []])
})

/** What version 9 wrote, as migration 010 leaves it. */
function migratedFromVersion9(flows: readonly Connection[]): DatabaseSync {
  const db = new DatabaseSync(':memory:')
  migrate(db, ':memory:')
  new FlowTable(db, 1, 10).save(flows, NOON)
  db.exec('DROP TABLE segment_filters; DROP TABLE name_pages')
  db.exec(readFileSync(new URL('010-filters.sql', FOLDER), 'utf8'))
  return db
}

test('searches are right at every step on the way from version 9', () => {
  const flows = Array.from({ length: 45 }, (__, at) => {
    const isRare = at === 13
    const { name: _, ...base } = aConnection({ id: at + 1, openedAt: NOON - 60_000 * (45 - at) })
    return {
      ...base,
      ended: 'finished' as const,
      name: isRare ? 'needle.example' : `host-${at}.example.com`,
      ...(isRare && { target: ip('2001:db8:77::1'), peer: ip('2001:db8:77::1') }),
      ...(isRare && { communityId: '1:AAAAAAAAAAAAAAAAAAAAAAAAAAA=' }),
    }
  })
  const db = migratedFromVersion9(flows)
  const texts = ['needle', 'peer:2001:db8:77::/48', 'community:1:AAAAAAAAAAAAAAAAAAAAAAAAAAA=', 'until:40m']
  const found = (): number[][] =>
    texts.map((text) => {
      const parsed = parseSearch(text, NOON)
      if (parsed.state === 'error') throw new Error(parsed.error.message)
      const search = new FlowSearch(db, 1, { budgetMs: 1e9, candidates: 5 })
      return search.slice({ search: parsed.search, limit: 50, now: NOON }).items.map(({ id }) => id)
    })
  const expected = [[14], [14], [14], [6, 5, 4, 3, 2, 1]]
  const builder = new ColumnBuilder(db)
  let steps = 0
  do {
    expect([steps, found()]).toEqual([steps, expected])
    steps++
  } while (builder.step())
  expect(steps).toBeGreaterThan(4 * 10)
  expect(db.prepare('SELECT count(*) AS count FROM segment_filters WHERE part = 0').get()).toEqual({
    count: 4,
  })
})
