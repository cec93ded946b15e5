import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { NamedAddress } from '#enforce/named-sets.ts'
import { type Ip, ip } from '#model/address.ts'
import type { NameReport } from '#model/name.ts'
import { aConnection } from '../../test/support/connections.ts'
import { RuleDomains } from './rule-domains.ts'
import { SlippedFlows } from './slipped-flows.ts'

const HOME = ip('192.0.2.1')
const SHOP = ip('198.51.100.7')

let folder: string
let now: number
let told: NamedAddress[]

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gatehouse-names-'))
  now = 1_000_000
  told = []
})

afterEach(() => rmSync(folder, { recursive: true, force: true }))

const file = (): string => join(folder, 'names.json')

const domains = (): RuleDomains =>
  new RuleDomains({
    file: file(),
    now: () => now,
    isSpared: (address) => address === HOME,
    enforce: (found) => {
      told.push(...found)
      return found
    },
    isAsked: (name) => name.endsWith('ads.example'),
  })

const report = (name: string, about: Partial<NameReport> = {}): NameReport => ({
  address: SHOP,
  name,
  source: 'dns',
  at: now,
  ttlSeconds: 300,
  client: HOME,
  ...about,
})

describe('names that rules go by', () => {
  test('count a minute longer than the answer may be kept, and a day at most', () => {
    const names = domains()
    names.learn([
      report('short.example', { ttlSeconds: 0 }),
      report('long.example', { ttlSeconds: 10_000_000 }),
    ])
    expect(told.map(({ until }) => until - now)).toEqual([60_000, 86_400_000])
    now += 60_000
    expect(names.namesOf(SHOP)).toEqual(['long.example'])
  })

  test('come from answers of DNS alone, and never lead to what must stay reachable', () => {
    const names = domains()
    names.learn([
      report('claimed.example', { source: 'tls' }),
      report('claimed.example', { source: 'http' }),
      report('printer.local', { source: 'mdns' }),
      report('rebound.example', { address: HOME }),
    ])
    expect(told).toEqual([])
    expect([...names.entries()]).toEqual([])
  })

  test('are told again for longer, never for less', () => {
    const names = domains()
    names.learn([report('ads.example', { ttlSeconds: 3_600 })])
    names.learn([report('ads.example', { ttlSeconds: 1 })])
    expect([...names.entries()]).toEqual([{ name: 'ads.example', address: SHOP, until: now + 3_660_000 }])
  })

  test('are sixteen of an address at most: the newest', () => {
    const names = domains()
    names.learn(Array.from({ length: 40 }, (_, at) => report(`n${at}.example`)))
    expect(names.namesOf(SHOP)).toEqual(Array.from({ length: 16 }, (_, at) => `n${at + 24}.example`))
  })

  test('outlive a restart where rules ask for them, until their time is over', () => {
    const names = domains()
    names.learn([report('x.ads.example'), report('news.example'), report('ads.example', { ttlSeconds: 1 })])
    names.write()
    expect(readFileSync(file(), 'utf8')).not.toContain('news')
    now += 100_000
    expect([...domains().entries()]).toEqual([{ name: 'x.ads.example', address: SHOP, until: 1_360_000 }])
  })

  test.each(['', '{', '[{"name": 1}]', '[{"name": "a.example", "address": "nowhere", "until": 9}]'])(
    'a broken file (%j) only means to wait for the next answers',
    (text) => {
      writeFileSync(file(), text)
      expect([...domains().entries()]).toEqual([])
    },
  )
})

describe('a connection that was faster than its name', () => {
  const slipped = (action: 'allow' | 'reject', closed: string[], said: string[]): SlippedFlows =>
    new SlippedFlows({
      explain: () => ({ action }),
      close: ({ peerAddress, peerPort }) => closed.push(`${peerAddress}:${peerPort}`),
      say: (text) => said.push(text),
    })
  const learned: NamedAddress[] = [{ name: 'ads.example', address: SHOP, until: 2_000_000 }]
  const flow = (openedAt: number, target: Ip = SHOP) =>
    aConnection({ id: openedAt, target, peer: target, openedAt })

  test('is closed once, where the rules turn it away', () => {
    const [closed, said]: [string[], string[]] = [[], []]
    const flows = slipped('reject', closed, said)
    flows.learned(learned, now)
    flows.see([flow(now + 1)])
    flows.see([flow(now + 1)])
    expect(closed).toEqual(['198.51.100.7:443'])
    expect(said).toEqual([
      'A connection to 198.51.100.7:443 was faster than the rule about ads.example: closed.',
    ])
  })

  test('is left alone where the rules let it pass, where it is older, and where it goes elsewhere', () => {
    const [closed, said]: [string[], string[]] = [[], []]
    const passing = slipped('allow', closed, said)
    passing.learned(learned, now)
    passing.see([flow(now + 1)])
    const flows = slipped('reject', closed, said)
    flows.learned(learned, now)
    flows.see([flow(now - 60_000), flow(now, ip('198.51.100.8')), { ...flow(now), direction: 'inbound' }])
    expect(closed).toEqual([])
  })
})

test('a bad reputation is a name that no DNS answer can give, for an hour', () => {
  const names = domains()
  expect(
    names
      .reputed(SHOP, 85)
      .map(({ name }) => name)
      .at(-1),
  ).toBe('REPUTATION>80')
  names.learn([report('REPUTATION>90'.toLowerCase())])
  expect(names.namesOf(SHOP)).toContain('REPUTATION>10')
  expect(names.namesOf(SHOP)).not.toContain('REPUTATION>90')
  expect([...names.entries()].filter(({ name }) => name === 'REPUTATION>80')).toMatchObject([
    { address: SHOP, until: now + 3_600_000 },
  ])
  expect([names.reputed(HOME, 99), names.namesOf(HOME)]).toEqual([[], []])
  expect(names.reputed(SHOP, 10)).toEqual([])
  // As the kernel has it: until the hour is over.
  expect(names.namesOf(SHOP)).toContain('REPUTATION>80')
  now += 3_600_000
  expect(names.namesOf(SHOP).filter((name) => name.startsWith('REPUTATION'))).toEqual([])
})
