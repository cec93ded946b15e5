import { describe, expect, test } from 'vitest'
import { Indicators } from '#intel/indicators/indicators.ts'
import { ListBuilder } from '#intel/indicators/list-builder.ts'
import { SERVICES } from '#intel/services/services.ts'
import { ip } from '#model/address.ts'
import type { Alert } from '#model/alert.ts'
import type { Block } from '#model/block.ts'
import type { Connection } from '#model/flow.ts'
import type { Indicator } from '#model/indicator.ts'
import type { Owner } from '#model/owner.ts'
import { aConnection } from '../../test/support/connections.ts'
import { createReputationDesk, type ReputationDeskParts } from './reputation-desk.ts'

const NOW = Date.UTC(2026, 10, 20)
const DAY = 86_400_000
const PEER = ip('198.51.100.7')
const HASHES = { sha256: 'ab'.repeat(32), sha1: 'cd'.repeat(20), md5: 'ef'.repeat(16) }
const OWNER = { pid: 7, path: '/usr/bin/foo', name: 'foo', uid: 0, source: 'ebpf', startedAt: NOW } as Owner
const key = { k0: 1, k1: 2 }

function desk(
  entries: readonly Indicator[],
  change: Partial<ReputationDeskParts> & {
    readonly alerts?: readonly Partial<Alert>[]
    readonly firstAt?: number
    readonly watchedDays?: number
  } = {},
) {
  const builder = new ListBuilder({ key, maxEntries: 100, mayBePrivate: true, now: NOW })
  for (const entry of entries) builder.add(entry)
  const indicators = new Indicators(key)
  indicators.replace('x', builder.finish())
  const { alerts = [], firstAt, watchedDays = 90 } = change
  const first = { kind: 'program' as const, program: '/usr/bin/foo', at: firstAt ?? NOW, lastAt: NOW }
  const parts: ReputationDeskParts = {
    indicators,
    factsOf: (id) => ({
      ...{ id, title: 'List X', category: 'attacks', confidence: 100, action: 'record', isOwn: false },
      updatedAt: NOW,
    }),
    ignoredBecause: () => undefined,
    services: undefined,
    store: {
      remembered: { watchedSince: NOW - watchedDays * DAY } as ReputationDeskParts['store']['remembered'],
      alerts: async () => ({ items: alerts as Alert[], total: 0 }),
      firstSeen: async () => (firstAt === undefined ? [] : [first]),
      summaries: async () => ({ items: [], total: 0, since: 0, until: 0, isComplete: true }),
    },
    gate: { blockOf: () => undefined },
    live: { all: () => [] },
    describe: async ({ path }) => ({ path, hashes: HASHES, package: { state: 'none', because: '' } }),
    countryOf: () => undefined,
    countries: {},
    now: () => NOW,
    ...change,
  }
  return createReputationDesk(parts)
}

const alert = (more: Partial<Alert>): Partial<Alert> => ({
  ...{ subject: PEER, detector: 'port-scan', severity: 'high', confidence: 1, lastSeenAt: NOW },
  ...more,
})

describe('an address', () => {
  test('has what lists, services, detectors, blocks and the country say', async () => {
    const [virustotal] = SERVICES
    if (!virustotal) throw new Error('there are services')
    const { of } = desk([{ kind: 'target', value: PEER, confidence: 50 }], {
      alerts: [
        alert({}),
        alert({ lastSeenAt: NOW - 30 * DAY }),
        alert({ detector: 'flood', blame: 'nobody' }),
        alert({ detector: 'intel', severity: 'critical' }),
        alert({ subject: ip('192.0.2.1'), detector: 'other' }),
      ],
      services: {
        known: () => [
          { service: virustotal, answer: { at: NOW, opinion: { score: 50, sentence: '' } } },
          { service: virustotal, answer: { at: NOW } },
        ],
      },
      gate: { blockOf: () => ({ origin: 'person', actor: 'anna', since: NOW }) as Block },
      countryOf: () => 'KP',
      countries: { KP: 20 },
    })
    const { score, factors, sentence } = await of(PEER)
    expect(factors.map(({ kind }) => kind)).toEqual(['detection', 'block', 'service', 'list', 'country'])
    expect([score, sentence]).toEqual([95, 'It is known to be bad.'])
    expect(factors.reduce((sum, { points }) => sum + points, 0)).toBe(score)
  })

  test('is new only where others are known for longer', async () => {
    expect((await desk([], { firstAt: NOW }).ofAddress(PEER)).score).toBe(5)
    expect((await desk([], { firstAt: NOW, watchedDays: 1 }).ofAddress(PEER)).score).toBe(0)
  })

  test('that no list is believed about has none of their points', async () => {
    const { ofAddress } = desk([{ kind: 'target', value: PEER }], { ignoredBecause: () => PEER })
    expect((await ofAddress(PEER)).score).toBe(0)
  })
})

describe('a program', () => {
  const open = (more: Partial<Connection> = {}): Connection =>
    aConnection({ target: PEER, owner: OWNER, ...more })

  test.each(['/usr/bin/foo', 'foo', '7'])(
    'is found by %s, and judged by its file and its worst peer',
    async (text) => {
      const { of } = desk(
        [
          { kind: 'sha1', value: HASHES.sha1 },
          { kind: 'target', value: PEER },
        ],
        { live: { all: () => [open({ target: ip('192.0.2.9') }), open()] } },
      )
      const { subject, score, factors } = await of(text)
      expect([subject, score]).toEqual(['/usr/bin/foo', 81])
      expect(factors.map(({ sentence }) => sentence)).toEqual([
        'on List X, 100 % sure',
        `talks to ${PEER}, whose reputation is 70`,
      ])
    },
  )

  test.each([
    ['changed', 40],
    ['unchanged', 0],
  ] as const)('whose file is %s since it came with its package', async (file, score) => {
    const { of } = desk([], {
      live: { all: () => [open()] },
      describe: async ({ path }) => ({ path, package: { state: 'owned', tool: 'dpkg', name: 'x', file } }),
    })
    expect((await of('foo')).score).toBe(score)
  })

  test('that does not run is known by its path, and a file by its hash', async () => {
    const { of } = desk([{ kind: 'md5', value: HASHES.md5 }])
    expect(await of('/tmp/foo')).toMatchObject({ of: 'program', score: 25 })
    expect(await of(HASHES.md5)).toMatchObject({ of: 'program', score: 70 })
  })
})

test('a name has what lists say of it or of a name above it; what is none of all is refused', async () => {
  const { of } = desk([{ kind: 'domain', value: 'bad.example' }])
  expect(await of('CDN.bad.example')).toMatchObject({ of: 'name', subject: 'cdn.bad.example', score: 70 })
  await expect(of('no such thing')).rejects.toThrow('Nothing is known by the name')
})
