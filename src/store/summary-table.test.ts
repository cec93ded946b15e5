import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { parseSearch } from '#contract/search/parse.ts'
import { ip } from '#model/address.ts'
import type { Connection } from '#model/flow.ts'
import type { SummaryKind } from '#model/summary.ts'
import { aConnection, anOwner, NOON } from '../../test/support/remembered.ts'
import { Archive } from './archive.ts'
import { storeSettings } from './settings.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR
const folders: string[] = []
const opened: Archive[] = []

afterEach(() => {
  for (const archive of opened.splice(0)) archive.close()
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

function open(folder?: string): Archive {
  const path = folder ?? mkdtempSync(join(tmpdir(), 'gatehouse-sums-'))
  if (!folder) folders.push(path)
  const archive = new Archive(path, storeSettings.parse({}), NOON)
  opened.push(archive)
  return archive
}

const sums = (archive: Archive, kind: SummaryKind, since: number, now: number, q?: string) => {
  const parsed = parseSearch(q ?? '', now)
  if (parsed.state === 'error') throw new Error(parsed.error.message)
  const search = q === undefined ? {} : { search: parsed.search }
  const { items } = archive.summaries({ kind, since, limit: 100, now, ...search })
  return Object.fromEntries(
    items.map(({ key, flows, bytesIn, bytesOut }) => [key, [flows, bytesIn, bytesOut]]),
  )
}

const flow = (id: number, at: number, about: Partial<Connection> = {}): Connection =>
  aConnection({ id, openedAt: at, seenAt: at + 10, bytesForward: 10, bytesBackward: 100, ...about })

test('a flow is counted once and its bytes as they come, in and out as this machine sees it', () => {
  const archive = open()
  const curl = anOwner()
  archive.saveFlows([flow(1, NOON, { owner: curl })], NOON)
  archive.saveFlows([flow(1, NOON, { owner: curl, bytesForward: 15, bytesBackward: 300 })], NOON + HOUR)
  archive.saveFlows(
    [flow(2, NOON, { direction: 'inbound', owner: anOwner({ path: '/usr/sbin/sshd' }) })],
    NOON + HOUR,
  )
  const now = NOON + 5 * HOUR
  expect(sums(archive, 'program', NOON - HOUR, now)).toEqual({
    '/usr/bin/curl': [1, 300, 15],
    '/usr/sbin/sshd': [1, 10, 100],
  })
  expect(sums(archive, 'program', NOON + HOUR, now)).toEqual({
    '/usr/bin/curl': [0, 200, 5],
    '/usr/sbin/sshd': [1, 10, 100],
  })
})

test('what had no owner yet moves to it once it is known', () => {
  const archive = open()
  archive.saveFlows([flow(1, NOON)], NOON)
  archive.saveFlows([flow(1, NOON, { owner: anOwner(), bytesBackward: 150, country: 'DE' })], NOON + 100)
  const now = NOON + 5 * HOUR
  expect(sums(archive, 'program', NOON - HOUR, now)).toEqual({ '': [0, 0, 0], '/usr/bin/curl': [1, 150, 10] })
  expect(sums(archive, 'user', NOON - HOUR, now)).toEqual({ '': [0, 0, 0], anna: [1, 150, 10] })
  expect(sums(archive, 'country', NOON - HOUR, now)).toEqual({ '': [0, 0, 0], DE: [1, 150, 10] })
})

test('whole days and the hours around them add up to every hour', () => {
  const archive = open()
  const start = Math.floor(NOON / DAY) * DAY - 3 * DAY
  for (let hour = 0; hour < 72; hour++) {
    const at = start + hour * HOUR + 5
    archive.saveFlows(
      [flow(hour + 1, at, { ended: 'finished', bytesForward: 0, bytesBackward: 2 ** (hour % 40) })],
      at,
    )
  }
  const now = start + 3 * DAY
  for (const from of [0, 1, 23, 24, 25, 47, 50, 66]) {
    const [row = []] = Object.values(sums(archive, 'port', start + from * HOUR, now))
    let bytes = 0
    for (let hour = from; hour < 72; hour++) bytes += 2 ** (hour % 40)
    expect([from, row[0], row[1]]).toEqual([from, 72 - from, bytes])
  }
})

test('the sums of a search are those of the flows that it finds', () => {
  const archive = open()
  const owner = anOwner({ container: { engine: 'docker', id: 'abc', name: 'web' } })
  archive.saveFlows(
    [
      flow(1, NOON, { target: ip('203.0.113.1'), owner }),
      flow(2, NOON, { target: ip('203.0.113.1'), targetPort: 80, country: 'FR' }),
      flow(3, NOON, { target: ip('2001:db8::1'), protocol: 17, targetPort: 53 }),
      flow(4, NOON - 3 * DAY, { target: ip('203.0.113.2') }),
    ],
    NOON,
  )
  const [since, now] = [NOON - DAY, NOON + 1000]
  expect(sums(archive, 'host', since, now, 'proto:tcp')).toEqual({ '203.0.113.1': [2, 200, 20] })
  expect(sums(archive, 'host', since, now, '')).toEqual({
    '203.0.113.1': [2, 200, 20],
    '2001:db8::1': [1, 100, 10],
  })
  expect(sums(archive, 'port', since, now, '-is:blocked')).toEqual({
    '443/tcp': [1, 100, 10],
    '80/tcp': [1, 100, 10],
    '53/udp': [1, 100, 10],
  })
  expect(sums(archive, 'program', since, now, 'port:443')).toEqual({ '/usr/bin/curl': [1, 100, 10] })
  expect(sums(archive, 'user', since, now, 'app:curl')).toEqual({ anna: [1, 100, 10] })
  expect(sums(archive, 'container', since, now, 'port:443,80')).toEqual({
    web: [1, 100, 10],
    '': [1, 100, 10],
  })
  expect(sums(archive, 'country', since, now, 'port:80')).toEqual({ FR: [1, 100, 10] })
})

test('an attacker chooses no size: strangers beyond the bound are summed up together, hosts that answered have room', () => {
  const archive = open()
  const silent = { packetsBackward: 0, bytesForward: 1, bytesBackward: 0, ended: 'timeout' as const }
  const scan = Array.from({ length: 3000 }, (_, at) =>
    flow(at + 1, NOON, { ...silent, source: ip(`10.0.${at >> 8}.${at & 255}`), direction: 'inbound' }),
  )
  archive.saveFlows(scan, NOON)
  archive.saveFlows([flow(5000, NOON, { target: ip('203.0.113.1') })], NOON + 1)
  const hosts = archive.summaries({ kind: 'host', since: 0, limit: 500, now: NOON + 5 * HOUR })
  expect(hosts.total).toBe(502)
  expect(hosts.items[0]).toMatchObject({ key: '*', flows: 2500 })
  expect(hosts.items.map(({ key }) => key)).toContain('203.0.113.1')
})

test('sums and firsts survive a restart', () => {
  const archive = open()
  const [folder = ''] = folders
  archive.saveFlows([flow(1, NOON, { owner: anOwner(), ended: 'finished' })], NOON)
  opened.splice(0)
  archive.close()
  const again = open(folder)
  again.saveFlows([flow(2, NOON + 60, { owner: anOwner(), ended: 'finished' })], NOON + 60)
  expect(sums(again, 'program', NOON - HOUR, NOON + 5 * HOUR)).toEqual({ '/usr/bin/curl': [2, 200, 20] })
  expect(again.firstSeen({ limit: 9 }).map(({ at }) => at)).toEqual([NOON, NOON])
})

test('a program, its hosts and its countries are first seen once; a changed binary is told', () => {
  const archive = open()
  const owner = anOwner()
  archive.saveFlows([flow(1, NOON, { owner, country: 'DE' })], NOON)
  archive.saveFlows([flow(2, NOON + DAY, { owner, country: 'FR', target: ip('203.0.113.5') })], NOON + DAY)
  const seen = archive.firstSeen({ program: '/usr/bin/curl', limit: 10 })
  expect(seen.map(({ kind, peer, at, lastAt }) => [kind, peer, at - NOON, lastAt - NOON])).toEqual(
    expect.arrayContaining([
      ['program', undefined, 0, DAY + 10],
      ['program-host', '198.51.100.7', 0, 10],
      ['program-host', '203.0.113.5', DAY, DAY + 10],
      ['program-country', 'DE', 0, 10],
      ['program-country', 'FR', DAY, DAY + 10],
    ]),
  )
  expect(seen).toHaveLength(5)
  expect(archive.firstSeen({ peer: '203.0.113.5', limit: 10 })).toHaveLength(1)
  expect(archive.firstSeen({ since: NOON + 1, limit: 10 })).toHaveLength(2)
  archive.saveProgramFile({ path: '/usr/bin/curl', identity: 'file:a' }, NOON)
  archive.saveProgramFile({ path: '/usr/bin/curl', identity: 'file:a', sha256: 'aa' }, NOON + 5)
  archive.saveProgramFile({ path: '/usr/bin/curl', identity: 'file:b' }, NOON + 9)
  expect(archive.programFiles('/usr/bin/curl')).toEqual([
    { path: '/usr/bin/curl', identity: 'file:b', firstAt: NOON + 9, lastAt: NOON + 9 },
    { path: '/usr/bin/curl', identity: 'file:a', firstAt: NOON, lastAt: NOON + 5, sha256: 'aa' },
  ])
})

test('of a program that meets hosts without end, so many are kept', () => {
  const archive = open()
  const owner = anOwner()
  const many = Array.from({ length: 800 }, (_, at) =>
    flow(at + 1, NOON, { owner, target: ip(`10.0.${at >> 8}.${at & 255}`), ended: 'finished' }),
  )
  archive.saveFlows(many, NOON)
  expect(archive.firstSeen({ program: '/usr/bin/curl', limit: 500 })).toHaveLength(500)
  expect(archive.firstSeen({ peer: '10.0.3.9', limit: 9 })).toEqual([])
})
