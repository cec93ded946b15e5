import { readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, test } from 'vitest'
import { ip } from '#model/address.ts'
import { close, finishChores, newFolder, open } from '../../test/support/archives.ts'
import { aBlock, aConnection, aDecision, anAlert, anOwner, NOON } from '../../test/support/remembered.ts'
import type { Archive } from './archive.ts'

const DAY_MS = 86_400_000

test('forgets by age: flows first, and never what a block in force rests on', () => {
  const archive = open(newFolder(), { flowsDays: 2, alertsDays: 10, decisionsDays: 10 })
  const old = NOON - 20 * DAY_MS
  archive.saveFlows(
    [
      aConnection({ id: 1, openedAt: NOON - 3 * DAY_MS, ended: 'finished', owner: anOwner({ pid: 1 }) }),
      aConnection({ id: 2, openedAt: NOON - 3 * DAY_MS }),
    ],
    NOON - 3 * DAY_MS,
  )
  archive.saveFlows([aConnection({ id: 3, ended: 'finished', owner: anOwner({ pid: 3 }) })], NOON)
  archive.write(
    [
      { kind: 'alert', alert: anAlert(1, { lastSeenAt: old }) },
      { kind: 'alert', alert: anAlert(2, { lastSeenAt: old }) },
      { kind: 'alert', alert: anAlert(3) },
      { kind: 'decision', decision: aDecision(1, { at: old }) },
      { kind: 'decision', decision: aDecision(2, { at: old }), add: aBlock({ alertId: 2, decisionId: 2 }) },
      { kind: 'decision', decision: aDecision(3) },
    ],
    NOON,
  )
  archive.tick(NOON + 61_000)
  finishChores(archive)

  expect(archive.flows({ limit: 9 }).items.map(({ id }) => id)).toEqual([3, 2])
  expect(archive.flows({ limit: 9 }).total).toBe(2)
  expect(archive.alerts({ limit: 9 }).items.map(({ id }) => id)).toEqual([3, 2])
  expect(archive.decisions({ limit: 9 }).items.map(({ id }) => id)).toEqual([3, 2])
  archive.saveFlows([aConnection({ id: 4, owner: anOwner({ pid: 1 }) })], NOON)
  expect(archive.flows({ limit: 1 }).items[0]?.owner?.pid).toBe(1)
})

test('forgets by size, the oldest flows first, in small steps, and gives the room back', () => {
  const folder = newFolder()
  const archive = open(folder, { maxMegabytes: 16 })
  for (let batch = 0; batch < 40; batch++) {
    const flows = Array.from({ length: 2500 }, (_, at) => {
      const id = batch * 2500 + at + 1
      return aConnection({
        id,
        openedAt: NOON + id * 10,
        ended: 'finished',
        sourcePort: 1024 + (id % 60_000),
      })
    })
    archive.saveFlows(flows, NOON)
  }
  archive.tick(NOON + 61_000)
  const stepMs = usualStep(archive)

  const { items, total } = archive.flows({ limit: 1 })
  expect(items[0]?.id).toBe(100_000)
  expect(total).toBeGreaterThan(20_000)
  expect(total).toBeLessThan(100_000)
  expect(stepMs).toBeLessThan(100)
  close(archive)
  expect(statSync(join(folder, 'gatehouse.db')).size).toBeLessThan(18.5 * 1_048_576)
}, 30_000)

/** Milliseconds of a usual step: the machine may be busy with other tests, which makes single ones slow. */
function usualStep(archive: Archive): number {
  const took: number[] = []
  for (let more = true; more; ) {
    const begun = performance.now()
    more = archive.chore()
    took.push(performance.now() - begun)
  }
  return took.sort((a, b) => a - b)[Math.floor(took.length / 2)] ?? Number.NaN
}

test('the first page of 30,000 flows comes at once, by any of its ways', () => {
  const archive = open()
  for (let batch = 0; batch < 15; batch++) {
    const flows = Array.from({ length: 2000 }, (_, at) => {
      const id = batch * 2000 + at + 1
      const target = ip(`198.51.${(id >> 8) & 127}.${id & 255}`)
      return aConnection({ id, target, ended: 'finished', owner: anOwner({ pid: id % 500 }) })
    })
    archive.saveFlows(flows, NOON + batch * 2000)
  }
  const requests = [
    {},
    { peer: '198.51.1.1' },
    { peer: '192.0.2.10' },
    { peer: '198.51.0.0/16' },
    { peer: '203.0.113.0/24' },
  ]
  for (const request of [...requests, { since: NOON + 29_000 }]) {
    // The least of three: the machine may be busy with other tests.
    const took = [1, 2, 3].map(() => {
      const begun = performance.now()
      archive.flows({ limit: 50, ...request })
      return performance.now() - begun
    })
    expect(Math.min(...took), JSON.stringify(request)).toBeLessThan(200)
  }
}, 30_000)

test('the folder is made for its owner alone', () => {
  const folder = join(newFolder(), 'var', 'lib')
  open(folder)

  expect(statSync(folder).mode & 0o777).toBe(0o700)
  expect(statSync(join(folder, 'gatehouse.db')).mode & 0o777).toBe(0o600)
})

test('a second instance in the same folder is told so', () => {
  const folder = newFolder()
  open(folder)

  expect(() => open(folder)).toThrow(/Another Gatehouse is running/)
})

test('a database of a newer version, or of another program, is left alone', () => {
  const folder = newFolder()
  close(open(folder))
  change(folder, 'PRAGMA user_version = 99')
  expect(() => open(folder)).toThrow(/newer Gatehouse \(version 99/)
  change(folder, 'PRAGMA application_id = 5')
  expect(() => open(folder)).toThrow(/database of another program/)
  expect(readdirSync(folder).filter((name) => name.includes('broken'))).toEqual([])
})

function change(folder: string, sql: string): void {
  const db = new DatabaseSync(join(folder, 'gatehouse.db'))
  db.exec(sql)
  db.close()
}

test('a folder that cannot be had means memory alone, and a remedy', () => {
  const file = join(newFolder(), 'a-file')
  writeFileSync(file, '')
  const archive = open(join(file, 'folder'))
  archive.write([{ kind: 'decision', decision: aDecision(1), add: aBlock() }], NOON)

  expect(archive.decisions({ limit: 1 }).total).toBe(1)
  expect(archive.health).toMatchObject({
    state: 'degraded',
    reason: expect.stringContaining('memory alone is used'),
    remedy: expect.stringContaining('then restart'),
  })
})
