import type { DatabaseSync } from 'node:sqlite'
import { ipFromBytes } from '#model/address.ts'
import type { Opening } from '#model/call-home.ts'
import { programKeyOf } from '#model/summary.ts'
import { firstKeyAt } from './flow-key.ts'
import { DIRECTIONS } from './rows.ts'

const MOST_OPENINGS = 50_000

/** When programs opened connections to whom, from `since` (milliseconds since the epoch) on, newest first. */
export function openingsSince(db: DatabaseSync, since: number): Opening[] {
  return db
    .prepare(
      `SELECT path, programs.name AS name, target, target_port, opened_at FROM flows JOIN programs ON programs.id = flows.program
       WHERE flows.id >= ? AND direction = ? ORDER BY flows.id DESC LIMIT ${MOST_OPENINGS}`,
    )
    .all(firstKeyAt(since), DIRECTIONS.indexOf('outbound'))
    .map((row) => ({
      program: programKeyOf({ path: String(row['path']), name: String(row['name']) }),
      peer: ipFromBytes(row['target'] as Uint8Array),
      port: Number(row['target_port']),
      openedAt: Number(row['opened_at']),
    }))
}
