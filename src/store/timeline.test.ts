import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { aConnection, anOwner, NOON } from '../../test/support/remembered.ts'
import { Archive } from './archive.ts'
import { storeSettings } from './settings.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const opened: { archive: Archive; folder: string }[] = []

afterEach(() => {
  for (const { archive, folder } of opened.splice(0)) {
    archive.close()
    rmSync(folder, { recursive: true, force: true })
  }
})

function open(): Archive {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-timeline-'))
  const archive = new Archive(folder, storeSettings.parse({}), NOON)
  opened.push({ archive, folder })
  return archive
}

const lanesOf = (archive: Archive, since: number, until: number, bucketMs: number) => {
  const slice = archive.timeline({ since, until, bucketMs })
  return { slice, of: (id: string) => slice.lanes.find((lane) => lane.id === id) }
}

test('flows, names and starts are counted in the bucket in which they came, and the first meetings are named', () => {
  const archive = open()
  const owner = anOwner({ startedAt: NOON + 30_000 })
  archive.saveFlows(
    [aConnection({ id: 1, owner, name: 'a.example', nameSource: 'dns', openedAt: NOON })],
    NOON,
  )
  archive.saveFlows(
    [
      aConnection({ id: 2, owner, name: 'a.example', nameSource: 'dns', openedAt: NOON + 2 * MINUTE }),
      aConnection({ id: 3, owner, name: 'b.example', nameSource: 'dns', openedAt: NOON + 2 * MINUTE }),
      aConnection({ id: 4, openedAt: NOON + 2 * MINUTE }),
    ],
    NOON + 2 * MINUTE,
  )
  const { slice, of } = lanesOf(archive, NOON - MINUTE, NOON + 3 * MINUTE, MINUTE)
  expect(of('flows')).toEqual({ id: 'flows', counts: [0, 1, 0, 3], reachesTo: NOON - MINUTE })
  expect(of('names')?.counts).toEqual([0, 1, 0, 2])
  expect(of('exec')?.counts).toEqual([0, 1, 0, 0])
  expect(slice.starts).toEqual([{ at: NOON + 30_000, pid: owner.pid, program: owner.name }])
  expect(slice.firsts).toMatchObject([{ program: owner.path }])
  expect(lanesOf(archive, NOON + HOUR, NOON + 2 * HOUR, MINUTE).of('flows')?.counts).toEqual(
    new Array(60).fill(0),
  )
})

test('a period too busy to count flow by flow is counted by the hour, and says how far back the rest reaches', () => {
  const archive = open()
  const BUSY = 100_001
  for (let from = 0; from < BUSY; from += 20_000) {
    const flows = Array.from({ length: Math.min(20_000, BUSY - from) }, (_, at) =>
      aConnection({ id: from + at + 1, openedAt: NOON }),
    )
    archive.saveFlows(flows, NOON + from)
  }
  archive.summaries({ kind: 'program', limit: 1, now: NOON + HOUR })
  const { slice, of } = lanesOf(archive, NOON, NOON + 2 * HOUR, MINUTE)
  expect(slice.bucketMs).toBe(HOUR)
  expect(of('flows')).toEqual({ id: 'flows', counts: [BUSY, 0], reachesTo: NOON })
  expect(of('names')?.reachesTo).toBeGreaterThanOrEqual(NOON)
  expect(of('alerts')).toEqual({ id: 'alerts', counts: [0, 0], reachesTo: NOON })
}, 120_000)
