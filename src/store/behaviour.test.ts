import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { ip } from '#model/address.ts'
import type { Connection } from '#model/flow.ts'
import { aConnection, anOwner, NOON } from '../../test/support/remembered.ts'
import { Archive } from './archive.ts'
import { storeSettings } from './settings.ts'

const DAY_MS = 86_400_000
let folder: string
let archive: Archive

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gatehouse-behaviour-'))
  open()
})

afterEach(() => {
  archive.close()
  rmSync(folder, { recursive: true })
})

function open(now = NOON): void {
  archive = new Archive(folder, storeSettings.parse({}), now)
}

let lastId = 0
const call = (about: Partial<Connection> = {}, now = NOON): void => {
  lastId++
  const at = { id: lastId, openedAt: now, seenAt: now }
  archive.saveFlows([aConnection({ ...at, owner: anOwner({ path: '/bin/a' }), ...about })], now)
}

test('what observers learned comes back after a restart, newest word last', () => {
  const usual = (until: number) => ({
    ...{ observer: 'unusual-traffic', key: 'host 203.0.113.9', since: NOON, until },
    state: Uint8Array.of(1, 2, until % 256),
  })
  archive.saveUsual([usual(NOON), { ...usual(NOON), key: "x'); DROP TABLE flows; --" }], NOON)
  archive.saveUsual([usual(NOON + 7)], NOON)
  archive.close()
  open()
  expect(archive.usual()).toHaveLength(2)
  expect(archive.usual()[0]).toEqual(usual(NOON + 7))
})

test('no two migrations have one number', () => {
  const numbers = readdirSync(new URL('./migrations/', import.meta.url)).map((name) => name.slice(0, 3))
  expect(new Set(numbers).size).toBe(numbers.length)
})

test('what was not measured for two months is forgotten', () => {
  const at = (until: number, key: string) => ({
    observer: 'o',
    key,
    since: 0,
    until,
    state: Uint8Array.of(1),
  })
  archive.saveUsual([at(NOON - 61 * DAY_MS, 'old'), at(NOON - 59 * DAY_MS, 'kept')], NOON)
  archive.tick(NOON + 60_001)
  while (archive.chore());
  expect(archive.usual().map(({ key }) => key)).toEqual(['kept'])
})

test('a program, its hosts and countries are told once: when they are first kept, also across a restart', () => {
  const kinds = () => archive.takeNewSightings().map(({ kind, peer, peers }) => [kind, peer, peers])
  call({ target: ip('203.0.113.9'), country: 'nz' })
  expect(kinds()).toEqual([
    ['program', undefined, 1],
    ['program-host', '203.0.113.9', 1],
    ['program-country', 'NZ', 1],
  ])
  call({ target: ip('203.0.113.9'), country: 'nz' })
  expect(kinds()).toEqual([])
  archive.close()
  open(NOON + DAY_MS)
  call({ target: ip('203.0.113.10'), country: 'nz' }, NOON + DAY_MS)
  expect(archive.takeNewSightings()).toEqual([
    {
      ...{ kind: 'program-host', program: '/bin/a', peer: '203.0.113.10', peers: 2 },
      ...{ at: NOON + DAY_MS, programAt: NOON, address: '203.0.113.10' },
    },
  ])
  expect(archive.remembered.watchedSince).toBe(NOON)
})

test('openings are those of programs towards others, newest first, since a time', () => {
  call({ target: ip('203.0.113.9'), targetPort: 443 }, NOON - DAY_MS)
  call({ target: ip('203.0.113.9'), targetPort: 443 })
  call({ target: ip('2001:db8::5'), targetPort: 22 }, NOON + 1_000)
  call({ direction: 'inbound' })
  const { owner: _, ...unowned } = aConnection({ id: 99 })
  archive.saveFlows([unowned], NOON)
  expect(archive.openings(NOON)).toEqual([
    { program: '/bin/a', peer: '2001:db8::5', port: 22, openedAt: NOON + 1_000 },
    { program: '/bin/a', peer: '203.0.113.9', port: 443, openedAt: NOON },
  ])
})
