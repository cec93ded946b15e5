import { readdirSync, readFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { expect, test } from 'vitest'
import { parseSearch } from '#contract/search/parse.ts'
import { NOON } from '../../test/support/remembered.ts'
import { ColumnBuilder } from './columns/column-builder.ts'
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
