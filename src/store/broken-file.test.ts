import {
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, expect, test } from 'vitest'
import { aBlock, aConnection, aDecision, anAlert, NOON } from '../../test/support/remembered.ts'
import { Archive } from './archive.ts'
import { storeSettings } from './settings.ts'

const PAGE = 4096
const folders: string[] = []
const opened: Archive[] = []

afterEach(() => {
  for (const archive of opened.splice(0)) archive.close()
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

const open = (folder: string): Archive => {
  const archive = new Archive(folder, storeSettings.parse({}), NOON)
  opened.push(archive)
  return archive
}

/** A folder with a database of many pages, closed. */
function aFilledFolder(): { folder: string; file: string } {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-broken-'))
  folders.push(folder)
  const archive = new Archive(folder, storeSettings.parse({}), NOON)
  archive.saveFlows(
    Array.from({ length: 2000 }, (_, at) => aConnection({ id: at + 1, ended: 'finished' })),
    NOON,
  )
  const ids = Array.from({ length: 2000 }, (_, at) => at + 1)
  archive.write(
    ids.map((id) => ({
      kind: 'decision',
      decision: aDecision(id),
      ...(id === 2000 && { add: aBlock({ decisionId: id }) }),
    })),
    NOON,
  )
  archive.write([{ kind: 'alert', alert: anAlert(4) }], NOON)
  archive.close()
  return { folder, file: join(folder, 'gatehouse.db') }
}

const brokenFiles = (folder: string): string[] =>
  readdirSync(folder).filter((name) => /\.broken-[^.]*Z$/.test(name))

/** Pages of a table, from its root down, without the root itself. */
function leavesOf(file: string, table: string): number[] {
  const db = new DatabaseSync(file, { readOnly: true })
  const rows = db
    .prepare("SELECT pageno FROM dbstat WHERE name = ? AND pagetype = 'leaf' ORDER BY path")
    .all(table)
  db.close()
  return rows.map((row) => Number(row['pageno']))
}

function overwritePage(file: string, page: number): void {
  writeSync(openSync(file, 'r+'), Buffer.alloc(PAGE, 0xa5), 0, PAGE, (page - 1) * PAGE)
}

test('a file that is no database is set aside untouched, and a new one begins', () => {
  const { folder, file } = aFilledFolder()
  const garbage = Buffer.alloc(statSync(file).size, 0x5a)
  writeFileSync(file, garbage)
  const archive = open(folder)

  expect(archive.remembered.blocks).toEqual([])
  const [aside] = brokenFiles(folder)
  expect(readFileSync(join(folder, aside ?? ''))).toEqual(garbage)
  expect(archive.health).toMatchObject({
    state: 'degraded',
    reason: expect.stringContaining('was broken'),
    remedy: expect.stringContaining(aside ?? 'no file was set aside'),
  })
  archive.write([{ kind: 'decision', decision: aDecision(1) }], NOON)
  expect(archive.decisions({ limit: 1 }).total).toBe(1)
})

test('a broken page of decisions costs those on it, and nothing else', () => {
  const { folder, file } = aFilledFolder()
  const leaves = leavesOf(file, 'decisions')
  overwritePage(file, leaves[Math.floor(leaves.length / 2)] ?? 0)
  const archive = open(folder)

  const { total } = archive.decisions({ limit: 1 })
  expect(leaves.length).toBeGreaterThan(10)
  expect(total).toBeGreaterThan(1800)
  expect(total).toBeLessThan(2000)
  expect(archive.remembered).toMatchObject({ blocks: [aBlock({ decisionId: 2000 })], alerts: [anAlert(4)] })
  expect(archive.remembered.lastDecisionId).toBe(2000)
  expect(brokenFiles(folder)).toHaveLength(1)
})

test.each([0.3, 0.6, 0.95])('a file cut off at %d of its length opens, with what is left', (share) => {
  const { folder, file } = aFilledFolder()
  truncateSync(file, Math.floor(statSync(file).size * share))
  const archive = open(folder)

  expect(archive.health.state).toBe('degraded')
  expect(brokenFiles(folder)).toHaveLength(1)
  archive.write([{ kind: 'decision', decision: aDecision(3000), add: aBlock() }], NOON)
  expect(archive.decision(3000)).toEqual(aDecision(3000))
})

test('a page that breaks while the store runs is noticed, and the answer comes from the new file', () => {
  const { folder, file } = aFilledFolder()
  const leaves = leavesOf(file, 'decisions')
  const archive = open(folder)
  for (const page of leaves.slice(2, 4)) overwritePage(file, page)
  // Written by another hand, so that the cached pages are read again.
  const other = new DatabaseSync(file)
  other.exec("UPDATE meta SET value = value + 1 WHERE key = 'run'")
  other.close()
  let cursor: string | undefined
  let read = 0
  do {
    const page = archive.decisions({ limit: 500, ...(cursor && { cursor }) })
    read += page.items.length
    cursor = page.next
  } while (cursor)

  expect(read).toBeGreaterThan(1500)
  expect(archive.health).toMatchObject({ state: 'degraded', reason: expect.stringContaining('was broken') })
  expect(brokenFiles(folder).length).toBeGreaterThan(0)
  expect(archive.saveFlows([aConnection({ id: 9 })], NOON)).toBe(true)
  expect(archive.flows({ limit: 9 }).total).toBe(1)
})
