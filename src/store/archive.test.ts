import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ip, parseTarget, type Target } from '#model/address.ts'
import { close, newFolder, open } from '../../test/support/archives.ts'
import { aBlock, aConnection, aDecision, anAlert, anOwner, NOON } from '../../test/support/remembered.ts'
import { packCommunityId } from './rows.ts'

const DAY_MS = 86_400_000

test('gives back what it was given', () => {
  const archive = open()
  const plain = aConnection({ id: 1, ended: 'finished' })
  const owned = aConnection({
    id: 2,
    owner: anOwner(),
    direction: 'inbound',
    source: ip('2001:db8::5'),
    target: ip('2001:db8::1'),
    communityId: 'not a community id',
  })
  const { handshakeMs: _, ...unanswered } = aConnection({ id: 3, protocol: 132, ended: 'refused' })
  archive.saveFlows([plain, owned, unanswered], NOON)
  archive.write(
    [
      { kind: 'alert', alert: anAlert(1) },
      { kind: 'decision', decision: aDecision(1, { undoes: 7 }), add: aBlock({ alertId: 1 }) },
    ],
    NOON,
  )

  expect(archive.flows({ limit: 10 })).toEqual({ items: [unanswered, owned, plain], total: 3 })
  expect(archive.alerts({ limit: 10 })).toEqual({ items: [anAlert(1)], total: 1 })
  expect(archive.decision(1)).toEqual(aDecision(1, { undoes: 7 }))
  expect(archive.decision(2)).toBeUndefined()
  expect(archive.health).toMatchObject({ part: 'store', state: 'ok' })
})

test('a flow that goes on is one row, and gets its owner and its end later', () => {
  const archive = open()
  archive.saveFlows([aConnection({ packetsForward: 1 })], NOON)
  archive.saveFlows([aConnection({ packetsForward: 5, owner: anOwner() })], NOON)
  archive.saveFlows([aConnection({ packetsForward: 9, owner: anOwner(), ended: 'finished' })], NOON)

  const { items, total } = archive.flows({ limit: 10 })
  expect(total).toBe(1)
  expect(items).toEqual([aConnection({ packetsForward: 9, owner: anOwner(), ended: 'finished' })])
})

test('a flow that an earlier run left open was cut off by its end', () => {
  const folder = newFolder()
  const first = open(folder)
  first.saveFlows([aConnection({ id: 5 })], NOON)
  close(first)
  const second = open(folder)
  second.saveFlows([aConnection({ id: 5, openedAt: NOON + 1000 })], NOON)

  expect(second.flows({ limit: 10 }).items.map(({ ended }) => ended)).toEqual([undefined, 'shutdown'])
})

test('remembers blocks in force, what people allowed, recent alerts and the last ids', () => {
  const folder = newFolder()
  const first = open(folder)
  const lasting = aBlock({ target: parseTarget('198.51.100.0/24') as Target, decisionId: 2 })
  const { until: _, ...endless } = lasting
  first.write(
    [
      { kind: 'decision', decision: aDecision(1), add: aBlock() },
      { kind: 'decision', decision: aDecision(2, { target: lasting.target }), add: endless },
      { kind: 'decision', decision: aDecision(3), add: aBlock({ target: ip('203.0.113.1') }) },
      { kind: 'decision', decision: aDecision(4, { kind: 'unblock' }), remove: ip('203.0.113.1') },
      { kind: 'alert', alert: anAlert(6) },
      { kind: 'alert', alert: anAlert(7, { lastSeenAt: NOON - 2 * DAY_MS }) },
      {
        kind: 'allow',
        entries: [
          { target: ip('192.0.2.1'), source: 'gateway', note: 'found at each start' },
          { target: ip('192.0.2.2'), source: 'person', note: 'the printer' },
        ],
      },
    ],
    NOON,
  )
  close(first)

  expect(open(folder, {}, NOON + 700_000).remembered).toEqual({
    blocks: [endless],
    allow: [{ target: '192.0.2.2', source: 'person', note: 'the printer' }],
    alerts: [anAlert(6)],
    past: [aDecision(4, { kind: 'unblock' })],
    trusts: [],
    lastAlertId: 7,
    lastDecisionId: 4,
  })
})

test('remembers who was blocked by a detector, what it earned, who is only limited, and what was suggested', () => {
  const folder = newFolder()
  const first = open(folder)
  const limited = aBlock({ effect: 'limit' })
  const blocked = aDecision(1, { alertId: 6 })
  const suggestion = { target: ip('203.0.113.9'), forSeconds: 600 }
  const trust = { detector: 'port-scan', accepted: 2, at: NOON }
  first.write(
    [
      { kind: 'decision', decision: blocked },
      { kind: 'decision', decision: aDecision(2, { kind: 'limit', alertId: 6 }), add: limited },
      { kind: 'alert', alert: anAlert(6, { suggestion }) },
      { kind: 'trust', trust: { ...trust, accepted: 1 } },
      { kind: 'trust', trust },
    ],
    NOON,
  )
  close(first)
  const { past, trusts, blocks, alerts } = open(folder).remembered
  expect({ past, trusts, blocks, alerts }).toEqual({
    past: [blocked],
    trusts: [trust],
    blocks: [limited],
    alerts: [anAlert(6, { suggestion })],
  })
})

test('pages stay true while new flows come in', () => {
  const archive = open()
  for (let id = 1; id <= 25; id++) archive.saveFlows([aConnection({ id, ended: 'finished' })], NOON)
  const seen: number[] = []
  let cursor: string | undefined
  do {
    const page = archive.flows({ limit: 10, ...(cursor && { cursor }) })
    seen.push(...page.items.map(({ id }) => id))
    cursor = page.next
    archive.saveFlows([aConnection({ id: 100 + seen.length, openedAt: NOON + 5000, ended: 'reset' })], NOON)
  } while (cursor)

  expect(seen).toEqual(Array.from({ length: 25 }, (_, at) => 25 - at))
})

test.each(['', 'x', 'YWxlcnRzOjE', 'Zmxvd3M6'])('refuses the cursor %j with what to do', (cursor) => {
  expect(() => open().flows({ limit: 1, cursor })).toThrow(/not a cursor of this list/)
})

test('finds flows by peer, by range and since a time, as a plain filter would', () => {
  const archive = open()
  const address = fc.constantFrom(
    '10.0.0.1',
    '10.0.9.9',
    '192.0.2.1',
    '2001:db8::1',
    '2001:db8:0:1::1',
    '::a00:1',
  )
  const connection = fc.record({
    source: address.map(ip),
    target: address.map(ip),
    direction: fc.constantFrom('inbound', 'outbound', 'forward', 'local'),
    openedAt: fc.integer({ min: NOON, max: NOON + 50 }),
  })
  const kept = fc
    .sample(fc.array(connection, { minLength: 400, maxLength: 400 }), { numRuns: 1, seed: 7 })
    .flat()
    .map((about, at) => aConnection({ id: at + 1, ended: 'finished', ...about } as never))
  kept.sort((a, b) => a.openedAt - b.openedAt)
  for (const one of kept) archive.saveFlows([one], one.openedAt)

  const targets = [
    '10.0.0.1',
    '10.0.0.0/16',
    '0.0.0.0/0',
    '2001:db8::/48',
    '::/0',
    '192.0.2.1',
    '203.0.113.0/24',
  ]
  for (const peer of targets) {
    const since = NOON + 20
    const { items, total } = archive.flows({ limit: 1000, peer, since })
    const expected = kept.filter((one) => one.openedAt >= since && isIn(peer, one.peer)).map(({ id }) => id)
    expect(items.map(({ id }) => id).sort()).toEqual(expected.sort())
    expect(total).toBe(expected.length)

    const until = NOON + 40
    const between = kept.filter(({ id, openedAt }) => expected.includes(id) && openedAt < until)
    const period = archive.flows({ limit: 1000, peer, since, until })
    expect(period.items.map(({ id }) => id).sort()).toEqual(between.map(({ id }) => id).sort())
    expect(period.total).toBe(between.length)
  }
  expect(archive.flows({ limit: 10, peer: "' OR 1=1 --" })).toEqual({ items: [], total: 0 })
})

const isIn = (range: string, address: string): boolean =>
  range === address ||
  (range.includes('/') && parseTarget(`${address}/${range.split('/')[1]}`) === parseTarget(range)) ||
  (range.endsWith('/0') && range.includes(':') === address.includes(':'))

test('text from the wire is a value, whatever it says', () => {
  const archive = open()
  const hostile = "x'); DROP TABLE flows; --\u0000\u001b[2J<script>"
  archive.saveFlows([aConnection({ interfaceName: hostile, owner: anOwner({ commandLine: hostile }) })], NOON)
  archive.write([{ kind: 'alert', alert: anAlert(1, { summary: hostile }) }], NOON)

  expect(archive.flows({ limit: 1 }).items[0]).toMatchObject({
    interfaceName: hostile,
    owner: { commandLine: hostile },
  })
  expect(archive.alerts({ limit: 1 }).items[0]?.summary).toBe(hostile)
})

test('one flow that cannot be kept does not take the others with it', () => {
  const archive = open()
  const flows = [
    aConnection({ id: 1 }),
    aConnection({ id: 2, source: ip('nonsense') }),
    aConnection({ id: 3 }),
  ]

  expect(archive.saveFlows(flows, NOON)).toBe(true)
  expect(archive.flows({ limit: 9 })).toMatchObject({ total: 2 })
  expect(archive.health).toMatchObject({ state: 'degraded', reason: '1 records could not be kept' })
})

test('a Community ID takes twenty bytes, and comes back as it was', () => {
  expect(packCommunityId('1:LQU9qZlK+B5F3KDmev6m5PMibrg=')).toHaveLength(20)
})

test('many flows of one millisecond all find a place', () => {
  const archive = open()
  const flood = Array.from({ length: 3000 }, (_, at) =>
    aConnection({ id: at + 1, openedAt: NOON, ended: 'timeout' }),
  )
  archive.saveFlows(flood, NOON)

  expect(archive.flows({ limit: 1 }).total).toBe(3000)
})

test('what left the machine is on record, newest first, as long as decisions', () => {
  const archive = open(newFolder(), { decisionsDays: 10 })
  const entry = (id: number, at: number) => ({
    id,
    at,
    to: 'lists.example:443',
    what: 'GET /list',
    why: 'list x',
  })
  const [old, fresh] = [entry(1, NOON - 20 * 86_400_000), entry(2, NOON)]
  archive.write(
    [
      { kind: 'egress', entry: old },
      { kind: 'egress', entry: fresh },
    ],
    NOON,
  )
  // Said once more after a thread broke: it is the same request.
  archive.write([{ kind: 'egress', entry: fresh }], NOON)
  expect(archive.egress({ limit: 1 })).toMatchObject({ items: [fresh], total: 2 })
  const { next } = archive.egress({ limit: 1 })
  expect(archive.egress({ limit: 1, ...(next && { cursor: next }) }).items).toEqual([old])
  archive.tick(NOON + 120_000)
  while (archive.chore());
  expect(archive.egress({ limit: 10 }).items).toEqual([fresh])
})
