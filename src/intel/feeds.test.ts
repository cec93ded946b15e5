import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Ip, ip, type Target } from '#model/address.ts'
import { feedPlans } from './feed-plan.ts'
import { FeedRefusal, Feeds } from './feeds.ts'
import { FORMATS } from './formats/formats.ts'
import { Indicators } from './indicators/indicators.ts'
import { createListReader, type ListReader } from './reader.ts'
import { intelSettings } from './settings.ts'
import { loadSources } from './source.ts'

const key = { k0: 5, k1: 6 }
const HOUR = 3_600_000
let now = 0
let folder = ''
let server: Server
let site = ''
/** What the server sends; undefined: it fails. */
let list: string | undefined
let asked = 0
let ledger: string[] = []
let troubles: string[] = []
let talkedTo: Ip[] = []
let allowed: Target[] = []
let reader: ListReader | undefined
let mayRecord = true

beforeEach(async () => {
  now = Date.UTC(2026, 10, 20)
  folder = mkdtempSync(join(tmpdir(), 'gatehouse-feeds-'))
  ;[list, asked, ledger, troubles, talkedTo, allowed, mayRecord] = ['198.51.100.7\n', 0, [], [], [], [], true]
  server = createServer((_, response) => {
    asked++
    if (list === undefined) response.writeHead(500).end()
    else response.end(list)
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  site = `http://127.0.0.1:${(server.address() as AddressInfo).port}/list`
})

afterEach(async () => {
  await reader?.stop()
  server.closeAllConnections()
  server.close()
  rmSync(folder, { recursive: true, force: true })
})

/** A catalogue of one list, `x`, that is on this machine. */
function open(): { readonly feeds: Feeds; readonly indicators: Indicators; has(address: string): boolean } {
  const indicators = new Indicators(key)
  reader = createListReader({
    key,
    record: async ({ to, what, why }) => {
      if (!mayRecord) throw new Error('the disk is full')
      ledger.push(`${to} ${what} ${why}`)
    },
  })
  const plan = {
    id: 'x',
    title: 'X',
    category: 'attacks' as const,
    confidence: 80,
    format: 'plain' as const,
    from: { url: site, isNear: true },
    everyHours: 24,
    isOwn: false,
  }
  const feeds = new Feeds({
    plans: [plan],
    settings: intelSettings.parse(undefined),
    folder,
    reader,
    indicators,
    now: () => now,
    chance: () => 0,
    talkedTo: async () => talkedTo,
    allowed: () => allowed,
    changed: () => {},
    troubled: (_, trouble) => troubles.push(trouble ?? 'works again'),
  })
  return { feeds, indicators, has: (address) => indicators.ofAddress(ip(address), now).length > 0 }
}

const lines = (count: number): string =>
  Array.from({ length: count }, (_, at) => `60.1.${at >> 8}.${at & 255}`).join('\n')

describe('a list of the catalogue', () => {
  test('is never asked for before somebody switches it on', async () => {
    const { feeds, has } = open()
    await feeds.start()
    for (let hour = 0; hour < 100; hour++) {
      now += HOUR
      feeds.tick()
    }
    await expect(feeds.update('x')).rejects.toThrow(FeedRefusal)
    expect([asked, ledger, feeds.byId('x')?.state, has('198.51.100.7')]).toEqual([0, [], 'off', false])
  })

  test('is fetched once it is on, is on record, and is there after a restart without asking again', async () => {
    const { feeds, has } = open()
    await feeds.switchOn('x', 'alert')
    expect((await feeds.update('x')).state).toBe('ok')
    expect(has('198.51.100.7')).toBe(true)
    expect(ledger).toEqual([`${new URL(site).host} GET /list list x`])
    await reader?.stop()

    const again = open()
    await again.feeds.start()
    again.feeds.tick()
    expect(again.has('198.51.100.7')).toBe(true)
    expect([asked, again.feeds.byId('x')?.memory.entries]).toEqual([1, 1])
    again.feeds.switchOff('x')
    expect([again.has('198.51.100.7'), again.feeds.byId('x')?.state]).toEqual([false, 'off'])
  })

  test('is not asked for when the request cannot be put on record', async () => {
    const { feeds } = open()
    await feeds.switchOn('x', undefined)
    mayRecord = false
    expect((await feeds.update('x')).memory.reason).toContain('could not be put on record')
    expect(asked).toBe(0)
  })

  test('whose file is broken is fetched anew', async () => {
    const { feeds } = open()
    await feeds.switchOn('x', undefined)
    await feeds.update('x')
    await reader?.stop()
    writeFileSync(join(folder, 'x.gz'), 'no gzip')
    const again = open()
    await again.feeds.start()
    expect(again.feeds.byId('x')?.state).toBe('waiting')
    expect((await again.feeds.update('x')).state).toBe('ok')
    expect(again.has('198.51.100.7')).toBe(true)
  })
})

describe('a new version', () => {
  test('that shrinks waits for a person; the old one stays in force until they take it', async () => {
    const { feeds, has } = open()
    list = lines(1_000)
    await feeds.switchOn('x', 'alert')
    await feeds.update('x')
    list = lines(10)
    const held = await feeds.update('x')
    expect([held.state, held.memory.held?.reason]).toEqual(['held', 'it shrank from 1000 to 10 entries'])
    expect(has('60.1.3.1')).toBe(true)
    expect(troubles).toEqual(['a new version waits for you: it shrank from 1000 to 10 entries'])
    await feeds.update('x')
    expect(troubles).toHaveLength(1)

    const taken = await feeds.decide('x', true)
    expect([taken.state, taken.memory.entries, has('60.1.3.1'), has('60.1.0.9')]).toEqual([
      'ok',
      10,
      false,
      true,
    ])
    await expect(feeds.decide('x', true)).rejects.toThrow('waits for you')
  })

  test('that a person throws away is gone, and the old one stays', async () => {
    const { feeds, has } = open()
    list = lines(1_000)
    await feeds.switchOn('x', 'alert')
    await feeds.update('x')
    list = '\n'
    expect((await feeds.update('x')).memory.held?.reason).toBe('it is empty, and had 1000 entries')
    const kept = await feeds.decide('x', false)
    expect([kept.state, kept.memory.entries, has('60.1.3.1')]).toEqual(['ok', 1_000, true])
    expect(existsSync(join(folder, 'x.held.gz'))).toBe(false)
  })

  test('that would block whom we talk to, or who is allowed, waits; one that only tells does not', async () => {
    const { feeds, has } = open()
    talkedTo = [ip('198.51.100.7')]
    await feeds.switchOn('x', 'alert')
    expect((await feeds.update('x')).state).toBe('ok')
    expect(await feeds.wouldBlock('x')).toEqual(['198.51.100.7'])
    await feeds.switchOn('x', 'block')
    list = '198.51.100.7\n198.51.100.8\n'
    expect((await feeds.update('x')).memory.held?.reason).toBe(
      'it would block whom you talked to this month: 198.51.100.7',
    )
    expect(has('198.51.100.8')).toBe(false)
    talkedTo = []
    allowed = ['198.51.100.8' as Target]
    expect((await feeds.update('x')).memory.held?.reason).toBe(
      'it would block what the allow list names: 198.51.100.8',
    )
    allowed = []
    expect((await feeds.update('x')).state).toBe('ok')
    expect([has('198.51.100.8'), existsSync(join(folder, 'x.held.gz'))]).toEqual([true, false])
  })
})

test('a list that fails goes on with what it has, is asked ever later, and tells of it once', async () => {
  const { feeds, has } = open()
  await feeds.switchOn('x', 'alert')
  await feeds.update('x')
  list = undefined
  const waits: number[] = []
  for (let at = 0; at < 4; at++) {
    const { memory } = await feeds.update('x')
    waits.push(((memory.nextTryAt ?? 0) - now) / 60_000)
  }
  expect(waits).toEqual([5, 10, 20, 40])
  expect(troubles).toEqual(['it could not be had 3 times in a row'])
  expect([feeds.byId('x')?.state, has('198.51.100.7')]).toEqual(['failing', true])
  now += 73 * HOUR
  expect(feeds.byId('x')?.state).toBe('stale')
  list = '198.51.100.7\n'
  await feeds.update('x')
  expect([feeds.byId('x')?.state, troubles.at(-1)]).toEqual(['ok', 'works again'])
  expect(JSON.parse(readFileSync(join(folder, 'feeds.json'), 'utf8')).x).toMatchObject({
    isOn: true,
    failures: 0,
  })
})

describe('the catalogue', () => {
  test('is whole: each list has its own id, a format that we read, and a web address with encryption', async () => {
    const sources = await loadSources()
    expect(sources.length).toBeGreaterThan(15)
    expect(new Set(sources.map(({ id }) => id)).size).toBe(sources.length)
    for (const source of sources) {
      expect(source.url).toMatch(/^https:\/\//)
      expect(Object.keys(FORMATS)).toContain(source.format)
      expect(source.everyHours).toBeGreaterThanOrEqual(1)
    }
  })

  test('is off, but for what the config says; the config wins over a person', async () => {
    const sources = await loadSources()
    const settings = intelSettings.parse({
      feeds: { feodo: { action: 'block' }, ipsum: { on: false }, nosuch: {} },
    })
    const { plans, unknown } = feedPlans(sources, settings)
    expect(unknown).toEqual(['nosuch'])
    expect(plans.filter(({ fixed }) => fixed).map(({ id, fixed }) => [id, fixed])).toEqual([
      ['feodo', { isOn: true, action: 'block' }],
      ['ipsum', { isOn: false, action: 'alert' }],
    ])
    expect(feedPlans(sources, intelSettings.parse(undefined)).plans.some(({ fixed }) => fixed?.isOn)).toBe(
      false,
    )
  })

  test.each([
    { url: 'https://x.example/', file: '/x' },
    {},
    { url: 'file:///etc/passwd' },
    { url: 'ftp://x.example/' },
  ])('an own list from %j is refused', (from) => {
    expect(intelSettings.safeParse({ lists: [{ id: 'mine', format: 'plain', ...from }] }).success).toBe(false)
  })
})
