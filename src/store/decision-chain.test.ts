import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { aBlock, aDecision, NOON } from '../../test/support/remembered.ts'
import { Archive } from './archive.ts'
import { storeSettings } from './settings.ts'

const DAY_MS = 86_400_000
let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gatehouse-chain-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** Opens the store, does something, and closes it. */
function withArchive<Result>(work: (archive: Archive) => Result, now = NOON): Result {
  const archive = new Archive(folder, storeSettings.parse({}), now)
  try {
    return work(archive)
  } finally {
    archive.close()
  }
}

const decide = (from: number, to: number): void =>
  withArchive((archive) => {
    for (let id = from; id <= to; id++) archive.write([{ kind: 'decision', decision: aDecision(id) }], NOON)
  })

/** As somebody would who has got at the file. */
function tamper(sql: string): void {
  const file = new DatabaseSync(join(folder, 'gatehouse.db'))
  file.exec(sql)
  file.close()
}

const verify = (head?: string) => withArchive((archive) => archive.verify(head))

describe('the chain of decisions', () => {
  test('holds over restarts', () => {
    expect(verify()).toEqual({ checked: 0, removed: 0 })
    decide(1, 3)
    const { head } = verify()
    decide(4, 6)
    expect(verify(head)).toMatchObject({ checked: 6, removed: 0, from: 1, to: 6, isKnown: true })
    expect(verify(head)).not.toHaveProperty('broken')
    expect(verify('00'.repeat(32)).isKnown).toBe(false)
  })

  test.each([
    ["UPDATE decisions SET reason = 'nothing happened' WHERE id = 3", 3, 'changed'],
    ['UPDATE decisions SET at = at + 1 WHERE id = 3', 3, 'changed'],
    ['UPDATE decisions SET alert_id = 9 WHERE id = 3', 3, 'changed'],
    ['DELETE FROM decisions WHERE id = 3', 3, 'deleted'],
    ['DELETE FROM decisions WHERE id = 3; DELETE FROM decision_chain WHERE id = 3', 3, 'deleted'],
    ['DELETE FROM decisions WHERE id = 6; DELETE FROM decision_chain WHERE id = 6', 6, 'cut'],
    ['DELETE FROM decisions; DELETE FROM decision_chain', 1, 'cut'],
    [
      "INSERT INTO decisions SELECT 99, at, kind, target, 'anna', reason, NULL, NULL, NULL FROM decisions LIMIT 1",
      99,
      'inserted',
    ],
    [
      `UPDATE decision_chain SET position = 100 WHERE id = 3; UPDATE decision_chain SET position = 3 WHERE id = 4;
       UPDATE decision_chain SET position = 4 WHERE id = 3`,
      4,
      'moved',
    ],
    ['UPDATE decision_chain SET link = zeroblob(32) WHERE id = 6', 6, 'moved'],
    [
      "UPDATE decision_chain SET removed = 1 WHERE id = 3; UPDATE decisions SET actor = 'me' WHERE id = 3",
      3,
      'inserted',
    ],
  ] as const)('shows the attack: %s', (sql, id, what) => {
    decide(1, 6)
    tamper(sql)
    expect(verify().broken).toEqual({ id, what })
  })

  test('written anew from an old place on, it has another head', () => {
    decide(1, 6)
    const { head } = verify()
    tamper(`DELETE FROM decisions WHERE id > 3; DELETE FROM decision_chain WHERE id > 3;
            UPDATE sqlite_sequence SET seq = 3 WHERE name IN ('decisions', 'decision_chain')`)
    decide(4, 5)
    expect(verify(head)).toMatchObject({ checked: 5, isKnown: false })
  })

  test('takes what an older version wrote along, once', () => {
    decide(1, 3)
    tamper(
      "DELETE FROM decision_chain; DELETE FROM sqlite_sequence WHERE name = 'decision_chain'; UPDATE meta SET value = 0 WHERE key = 'chained'",
    )
    expect(verify()).toEqual({ checked: 0, removed: 0 })
    decide(4, 4)
    expect(verify()).toMatchObject({ checked: 4, from: 1, to: 4 })
  })

  test('goes on where retention has removed what decisions said', () => {
    withArchive((archive) => {
      archive.write([{ kind: 'decision', decision: aDecision(1) }], NOON)
      // A block in force keeps its decision, however old.
      archive.write([{ kind: 'decision', decision: aDecision(2), add: aBlock({ decisionId: 2 }) }], NOON)
      archive.write([{ kind: 'decision', decision: aDecision(3) }], NOON)
      archive.write([{ kind: 'decision', decision: aDecision(4, { at: NOON + 800 * DAY_MS }) }], NOON)
    })
    const { head } = verify()
    withArchive((archive) => {
      archive.tick(NOON + 801 * DAY_MS)
      while (archive.chore());
    }, NOON)
    const after = verify(head)
    expect(after).not.toHaveProperty('broken')
    expect(after.removed).toBeGreaterThan(0)
    expect([after.to, after.isKnown]).toEqual([4, true])
  })
})
