import { SUMMARY_KINDS } from '#model/summary.ts'
import { ColumnBuilder } from '#store/columns/column-builder.ts'
import { openDatabase } from '#store/database.ts'
import { FlowTable } from '#store/flow-table.ts'
import { inTransaction } from '#store/migrate.ts'
import { createRandom, flowOf, needle } from './history-flows.ts'

export const DAYS = 30
export const FIRST_DAY = Date.UTC(2026, 9, 21)
export const RUN = 1
const SEGMENT = 65_536
/** The real writer makes the first segment, with rare values, and these; SQL copies them up to the whole number. */
const TEMPLATES = 3

/** A database of so many flows over thirty days, as the writer would have left it. */
export function build(folder: string, count: number): void {
  const { db, close } = openDatabase(folder, FIRST_DAY)
  const table = new FlowTable(db, RUN, SEGMENT)
  const random = createRandom(7)
  const segments = Math.ceil(count / SEGMENT)
  const stepMs = (DAYS * 86_400_000) / segments / SEGMENT
  const written = Math.min(count, SEGMENT * (1 + TEMPLATES))
  for (let from = 0; from < written; from += 1024) {
    const flows = Array.from({ length: Math.min(1024, written - from) }, (_, at) =>
      from + at < SEGMENT && (from + at) % 1024 === 512
        ? needle(from + at, FIRST_DAY + (from + at) * stepMs)
        : flowOf(from + at, FIRST_DAY + (from + at) * stepMs, random),
    )
    inTransaction(db, () => table.save(flows, FIRST_DAY + from * stepMs))
    table.committed()
  }
  copySegments(db, segments, stepMs * SEGMENT)
  sumHours(db)
  const columns = new ColumnBuilder(db)
  while (columns.step());
  db.exec('PRAGMA wal_checkpoint(TRUNCATE)')
  db.close()
  close()
}

type Database = ReturnType<typeof openDatabase>['db']

/** Copies the template segments, with their owners, until there are enough. */
function copySegments(db: Database, segments: number, segmentMs: number): void {
  const [first = 0, owners = 0] = [2, Number(db.prepare('SELECT max(id) AS id FROM owners').get()?.['id'])]
  const names = (table: string, changed: readonly string[]): string[] =>
    db
      .prepare('SELECT name FROM pragma_table_info(?)')
      .all(table)
      .map((column) => String(column['name']))
      .filter((name) => !changed.includes(name))
  const moved = ['id', 'segment', 'flow', 'opened_at', 'seen_at', 'owner']
  const kept = names('flows', moved).join(', ')
  const ownerKept = names('owners', ['id', 'first_segment', 'last_segment']).join(', ')
  db.exec(`UPDATE names SET last_segment = ${segments} WHERE last_segment > 1`)
  for (let copy = 1, at = first + TEMPLATES; at <= segments; copy++, at += TEMPLATES) {
    const last = first + Math.min(TEMPLATES, segments - at + 1) - 1
    const shift = {
      move: at - first,
      ms: Math.round((at - first) * segmentMs),
      owners: copy * owners,
      first,
      last,
    }
    const { owners: ___, ...flowShift } = { ...shift, own: copy * owners, flows: copy * 1e7 }
    inTransaction(db, () => {
      db.prepare(
        `INSERT INTO owners (id, first_segment, last_segment, ${ownerKept})
         SELECT id + $owners, first_segment + $move, last_segment + $move, ${ownerKept} FROM owners
         WHERE id <= $most AND last_segment >= $first AND first_segment <= $last`,
      ).run({ owners: shift.owners, move: shift.move, most: owners, first, last })
      db.prepare(
        `INSERT INTO flows (${moved.join(', ')}, ${kept})
         SELECT id + $ms * 512, segment + $move, flow + $flows, opened_at + $ms, seen_at + $ms, owner + $own, ${kept}
         FROM flows WHERE segment BETWEEN $first AND $last ORDER BY id`,
      ).run(flowShift)
      db.prepare(
        `INSERT INTO segments SELECT segment + $move, first_id + $ms * 512, min_opened + $ms, max_opened + $ms
         FROM segments WHERE segment BETWEEN $first AND $last`,
      ).run({ move: shift.move, ms: shift.ms, first, last })
    })
  }
}

/** What the writer would have summed up, a thousand keys an hour at most. */
function sumHours(db: Database): void {
  const keys: Record<string, string> = {
    program: 'programs.path',
    host: 'CASE direction WHEN 0 THEN hex(flows.source) ELSE hex(target) END',
    country: 'country',
    port: "target_port || '/' || protocol",
    user: 'homes.user',
    container: 'homes.container',
  }
  db.exec('DELETE FROM hours; DELETE FROM days')
  for (const [kind, name] of SUMMARY_KINDS.entries()) {
    db.exec(`
      INSERT INTO hours SELECT ${kind}, period, key, flows, inward, outward, first, last FROM (
        SELECT *, row_number() OVER (PARTITION BY period ORDER BY flows DESC) AS rank FROM (
          SELECT CAST(opened_at / 3600000 AS INTEGER) AS period, ifnull(${keys[name]}, '') AS key, count(*) AS flows,
            sum(bytes_backward) AS inward, sum(bytes_forward) AS outward, min(opened_at) AS first, max(seen_at) AS last
          FROM flows LEFT JOIN owners ON owners.id = flows.owner LEFT JOIN homes ON homes.id = owners.home
            LEFT JOIN programs ON programs.id = flows.program
          GROUP BY 1, 2)) WHERE rank <= 1000`)
  }
  db.exec(`INSERT INTO days SELECT kind, day, key, flows, inward, outward, first, last FROM (
    SELECT *, row_number() OVER (PARTITION BY kind, day ORDER BY flows DESC) AS rank FROM (
      SELECT kind, period / 24 AS day, key, sum(flows) AS flows, sum(bytes_in) AS inward, sum(bytes_out) AS outward,
        min(first_at) AS first, max(last_at) AS last FROM hours GROUP BY 1, 2, 3)) WHERE rank <= 1000`)
}
