import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createDryRunEnforcer } from '#enforce/dry-run.ts'
import { intelSettings } from '#intel/settings.ts'
import { ip } from '#model/address.ts'
import type { Alert } from '#model/alert.ts'
import { storeSettings } from '#store/settings.ts'
import type { Store } from '#store/store.ts'
import { openStore } from '#store/thread.ts'
import { aConnection } from '../../test/support/connections.ts'
import { createAlertBook } from './alert-book.ts'
import { createAllowBook } from './allow-book.ts'
import { Gate } from './gate.ts'
import { type Intel, type IntelParts, startIntel } from './intel.ts'

const PEER = '198.51.100.7'
let folder = ''
let store: Store
let server: Server
let site = ''
let said: string[] = []
let stops: (() => Promise<void>)[] = []

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'gatehouse-intel-'))
  ;[said, stops] = [[], []]
  store = await openStore({ folder, settings: storeSettings.parse({}), now: Date.now })
  server = createServer((request, response) => {
    const body = { objectClassName: 'ip network', name: 'TEST-NET-2', country: 'US' }
    if (request.url?.startsWith('/ip/')) response.end(JSON.stringify(body))
    else if (request.url?.startsWith('/api/v2/check'))
      response.end(JSON.stringify({ data: { abuseConfidenceScore: 96, totalReports: 40 } }))
    else response.end(`${PEER}\n`)
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  site = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})

afterEach(async () => {
  for (const stop of stops) await stop()
  await store.close()
  server.closeAllConnections()
  server.close()
  rmSync(folder, { recursive: true, force: true })
})

function start(settings: unknown, more: Partial<IntelParts> = {}): Promise<Intel> {
  const allow = createAllowBook([], [])
  const now = Date.now
  const enforcer = createDryRunEnforcer({ reason: 'test', remedy: 'none' })
  const gate = new Gate({ enforcer, store, spares: allow.spares, now, changed: () => {} })
  return startIntel(
    {
      config: { intel: intelSettings.parse(settings) },
      paths: { stateFolder: folder },
      store,
      allow,
      gate,
      now,
      speaker: { say: (sentence) => void said.push(sentence) },
      onStop: (stop) => void stops.push(stop),
    },
    {
      alerts: createAlertBook([], 0),
      closeSockets: () => 0,
      told: () => {},
      notes: { of: () => undefined },
      describe: async ({ path }) => ({ path, package: { state: 'unknown', because: 'a test' } }),
      live: { all: () => [] },
      countryOf: () => undefined,
      reputed: () => {},
      listSockets: () => Promise.reject(new Error('there are none')),
      ...more,
    },
  )
}

async function until(is: () => boolean): Promise<void> {
  for (let tries = 0; !is() && tries < 200; tries++) await new Promise((resolve) => setTimeout(resolve, 25))
  expect(is()).toBe(true)
}

test('without a setting nothing is on, nothing is asked, and health says nothing', async () => {
  const { port, health } = await start(undefined)
  expect(port.feeds().filter(({ isOn }) => isOn)).toEqual([])
  expect(health()).toEqual([])
  expect(port.lookup(PEER).sentence).toBe(
    `No list is on, so nothing is known of ${PEER}. See: gatehouse feeds`,
  )
  await expect(port.ask(PEER)).rejects.toThrow('No service is on.')
  expect((await port.egress({ limit: 10 })).items).toEqual([])
})

test('lists and services answer one look-up, and all that went out is in the store', async () => {
  const key = join(folder, 'key')
  writeFileSync(key, 'Bearer x', { mode: 0o600 })
  const { port, health } = await start({
    lists: [
      { id: 'mine', url: `${site}/list?key=x`, format: 'plain', action: 'alert', authorizationFile: key },
    ],
    services: { rdap: { on: true, url: site } },
    feeds: { nosuch: {} },
  })
  expect(said).toEqual(['intel.feeds.nosuch: there is no such list. See: gatehouse feeds'])
  await until(() => port.feed('mine').state === 'ok')
  expect(port.feed('mine')).toMatchObject({ entries: 1, decidedBy: 'config', from: `${site}/list?…` })
  expect(health()).toEqual([{ part: 'lists', state: 'ok', note: '1 on, with 1 entries' }])
  const found = await port.ask(PEER)
  expect(found).toMatchObject({
    kind: 'target',
    sentence: `${PEER} is on 1 of the 1 lists that are on.`,
    listings: [{ list: 'mine', matched: PEER, confidence: 100, action: 'alert' }],
    opinions: [{ service: 'rdap', sentence: 'It belongs to TEST-NET-2, US' }],
    troubles: [],
  })
  await port.ask(PEER)
  const { items } = await port.egress({ limit: 10 })
  expect(items.map(({ to, what, why }) => [to, what, why])).toEqual([
    [new URL(site).host, `asked about ${PEER}`, 'service rdap'],
    [new URL(site).host, 'GET /list', 'list mine'],
  ])
})

test('what cannot be done is refused in words', async () => {
  const { port } = await start({
    feeds: { feodo: { on: false } },
    services: { rdap: { on: true, url: site } },
  })
  expect(() => port.lookup('hello')).toThrow('is nothing that a list could hold')
  expect(() => port.feed('nosuch')).toThrow('There is no list "nosuch"')
  await expect(port.changeFeed('feodo', { isOn: true }, { name: 'anna' })).rejects.toThrow(
    'The config decides about feodo',
  )
  await expect(port.updateFeed('ipsum')).rejects.toThrow('The list ipsum is off')
  await expect(port.decideFeed('ipsum', true)).rejects.toThrow('waits for you')
  await expect(port.ask('192.168.1.1')).rejects.toThrow('Nobody else knows of 192.168.1.1')
})

test('of itself only the services are asked that may be, and a bad answer makes an alert of its own', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  const key = join(folder, 'key')
  writeFileSync(key, 'k', { mode: 0o600 })
  const opened = aConnection({ target: ip(PEER), state: 'established' })
  const told: Alert[] = []
  const services = {
    abuseipdb: { on: true, auto: true, url: site, keyFile: key },
    rdap: { on: true, url: site },
  }
  const { look, port } = await start(
    { services },
    { live: { all: () => [opened] }, told: (alert) => told.push(alert) },
  )
  look([opened, aConnection({ target: ip('192.168.1.9') })])
  await vi.advanceTimersByTimeAsync(10_000)
  vi.useRealTimers()
  await until(() => told.length > 0)
  expect(told[0]).toMatchObject({ detector: 'intel', kind: 'reputation', subject: PEER })
  expect(told[0]?.summary).toContain(
    'the reputation of 198.51.100.7 is 86 of 100: AbuseIPDB gives it 96 of 100 today',
  )
  const { items } = await port.egress({ limit: 10 })
  expect(items.map(({ what, why }) => [what, why])).toEqual([[`asked about ${PEER}`, 'service abuseipdb']])
  expect(await port.reputation(PEER)).toMatchObject({ score: 86, factors: [{ kind: 'service', points: 86 }] })
})

test('an address is reported only where somebody agreed, by hand, and never a friend', async () => {
  const report = { address: PEER, categories: ['ssh' as const] }
  const anna = { name: 'anna' }
  const key = join(folder, 'key')
  writeFileSync(key, 'k', { mode: 0o600 })
  const abuseipdb = { on: true, url: site, keyFile: key }
  const unasked = await start({ services: { abuseipdb } })
  await expect(unasked.port.reportAbuse(report, anna)).rejects.toThrow('You did not agree')
  for (const stop of stops.splice(0).toReversed()) await stop()
  const { port } = await start({ services: { abuseipdb: { ...abuseipdb, reports: true } } })
  expect(await port.reportAbuse(report, anna)).toEqual({
    sentence: `${PEER} was reported to AbuseIPDB for ssh.`,
  })
  await expect(port.reportAbuse({ ...report, address: '192.168.1.1' }, anna)).rejects.toThrow(
    'no public address',
  )
  const { items } = await port.egress({ limit: 5 })
  expect(items.map(({ what, why }) => [what, why])).toEqual([
    [`reported ${PEER} for ssh`, 'service abuseipdb, as anna wants'],
  ])
})
