import { mkdtempSync, readdirSync, rmSync, statSync, truncateSync, utimesSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { ip } from '#model/address.ts'
import type { RecordingOrder } from '#model/recording.ts'
import { createRecordings, type Recordings } from './recordings.ts'

const PEER = ip('203.0.113.9')
const MOST_MEGABYTES = 200
let folder: string
let orders: RecordingOrder[]
let said: string[]
let clock: { now: number }
let recordings: Recordings

beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), 'gatehouse-recordings-')), 'captures')
  orders = []
  said = []
  clock = { now: Date.parse('2026-11-20T12:00:00Z') }
  recordings = createRecordings({
    ...{ folder, now: () => clock.now, say: (sentence) => said.push(sentence) },
    order: (order) => orders.push(order),
  })
})

afterEach(() => rmSync(join(folder, '..'), { recursive: true }))

function keep(bytes = new Uint8Array(100)): void {
  expect(recordings.begin(PEER, 5)).toBe(true)
  recordings.take({ id: orders.at(-1)?.id ?? 0, packets: 5, bytes })
}

test('what came is a file that only root reads, named after when and whom', () => {
  keep()
  expect(readdirSync(folder)).toEqual(['20261120T120000-203.0.113.9-1.pcapng'])
  expect(statSync(join(folder, '20261120T120000-203.0.113.9-1.pcapng')).mode & 0o777).toBe(0o600)
  expect(recordings.list()).toMatchObject([{ bytes: 100 }])
  expect(said).toEqual([`5 packets were kept in ${folder}/20261120T120000-203.0.113.9-1.pcapng`])
})

test('four at once, and one that never came makes room after its time', () => {
  expect([1, 2, 3, 4, 5].map(() => recordings.begin(PEER, 5))).toEqual([true, true, true, true, false])
  expect(orders).toHaveLength(4)
  recordings.take({ id: orders[0]?.id ?? 0, packets: 0, bytes: new Uint8Array(0) })
  expect(recordings.begin(PEER, 5)).toBe(true)
  expect(recordings.begin(PEER, 5)).toBe(false)
  clock.now += 120_000
  expect(recordings.begin(PEER, 5)).toBe(true)
})

test('the oldest files go, so that nobody fills the disk: by their number, and by their size', () => {
  for (let n = 0; n < 60; n++) keep()
  expect(readdirSync(folder)).toHaveLength(50)
  const files = recordings.list()
  // As large as they may be, without writing so much.
  for (const { path } of files.slice(0, 30)) {
    truncateSync(path, 8 << 20)
    utimesSync(path, clock.now / 1000, clock.now / 1000)
  }
  keep()
  const bytes = recordings.list().reduce((sum, file) => sum + file.bytes, 0)
  expect(bytes).toBeLessThanOrEqual(MOST_MEGABYTES << 20)
})
