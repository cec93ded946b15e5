import { expect, test } from 'vitest'
import { Indicators } from '#intel/indicators/indicators.ts'
import { ListBuilder } from '#intel/indicators/list-builder.ts'
import { type Ip, ip } from '#model/address.ts'
import type { Alert } from '#model/alert.ts'
import type { Block } from '#model/block.ts'
import type { Connection } from '#model/flow.ts'
import type { FlowNote } from '#model/flow-note.ts'
import type { Indicator } from '#model/indicator.ts'
import type { Owner } from '#model/owner.ts'
import { createAlertBook } from './alert-book.ts'
import type { BlockOrder } from './gate.ts'
import { createIntelDesk } from './intel-desk.ts'
import type { ListFacts } from './intel-hits.ts'
import type { FileHashes } from './program-hashes.ts'

const NOW = Date.UTC(2026, 10, 20)
const PEER = ip('198.51.100.7')
const key = { k0: 1, k1: 2 }

function listOf(...entries: readonly Indicator[]) {
  const builder = new ListBuilder({ key, maxEntries: 100, mayBePrivate: true, now: NOW })
  for (const entry of entries) builder.add(entry)
  return builder.finish()
}

const connection = (change: Partial<Connection> = {}): Connection => ({
  id: 1,
  communityId: '1:x',
  protocol: 6,
  interfaceName: 'eth0',
  vlan: 0,
  source: ip('192.0.2.1'),
  sourcePort: 40_000,
  target: PEER,
  targetPort: 443,
  state: 'established',
  openedAt: NOW,
  seenAt: NOW,
  packetsForward: 1,
  packetsBackward: 1,
  bytesForward: 60,
  bytesBackward: 60,
  retransmitsForward: 0,
  retransmitsBackward: 0,
  tcpFlagsForward: 2,
  tcpFlagsBackward: 18,
  direction: 'outbound',
  peer: PEER,
  peerPort: 443,
  localPort: 40_000,
  ...change,
})

function desk(
  facts: Partial<ListFacts> = {},
  more: {
    ignore?: string[]
    spared?: boolean
    blocked?: boolean
    held?: boolean
    entries?: readonly Indicator[]
    note?: FlowNote
    hashes?: FileHashes
  } = {},
) {
  const indicators = new Indicators(key)
  indicators.replace(
    'x',
    listOf(
      ...(more.entries ?? [
        { kind: 'target', value: PEER, reason: 'QakBot' },
        { kind: 'domain', value: 'bad.example' },
      ]),
    ),
  )
  const told: Alert[] = []
  const orders: BlockOrder[] = []
  const answer = {
    decision: { id: 1, at: NOW, kind: 'block', target: PEER, actor: '', reason: '' },
    recorded: Promise.resolve(),
  } as const
  const opened = createIntelDesk({
    indicators,
    factsOf: (id) => ({
      id,
      title: 'List X',
      category: 'command-and-control',
      confidence: 90,
      action: 'alert',
      isOwn: false,
      ...facts,
    }),
    ignore: more.ignore ?? [],
    blockSeconds: 600,
    alerts: createAlertBook([], 0),
    notes: { of: () => more.note },
    hashes: { of: () => more.hashes },
    gate: {
      lists: { blockOf: () => (more.held ? ({ target: PEER } as Block) : undefined) },
      blockOf: (): Block | undefined => (more.blocked ? ({ target: PEER } as Block) : undefined),
      block(order) {
        orders.push(order)
        if (more.spared)
          return {
            state: 'spared',
            by: { target: PEER, source: 'dns', note: 'it is a DNS server' },
            ...answer,
          }
        return { state: 'blocked', block: { ...order, since: NOW, decisionId: 1 }, enforced: true, ...answer }
      },
    },
    store: { recordAlert: async () => {} },
    closeSockets: () => 0,
    told: (alert) => told.push(alert),
    now: () => NOW,
  })
  return { ...opened, told, orders }
}

test('a listed peer is shown and told once, with the list as evidence', () => {
  const { look, told, orders, hitsOf } = desk()
  for (let times = 0; times < 3; times++) expect(look([connection()])[0]?.listed).toEqual(['x'])
  expect(told).toHaveLength(1)
  expect(told[0]).toMatchObject({
    detector: 'intel',
    kind: 'command-and-control',
    severity: 'critical',
    confidence: 0.9,
    subject: PEER,
    summary: 'this machine connected to 198.51.100.7; 198.51.100.7 is on List X since 2026-11-20: QakBot',
    because: 'intel.feeds.x.action = alert',
    response: 'Recorded only: the list x is set to alert',
    spoofable: false,
  })
  expect(orders).toEqual([])
  look([connection({ id: 2 })])
  expect(told[1]).toMatchObject({ id: told[0]?.id, times: 2 })
  expect(hitsOf('x')).toMatchObject({ count: 1, lastAt: NOW })
})

test('who calls us is less severe than whom we call, and may be forged before the handshake', () => {
  const { look, told } = desk()
  look([connection({ direction: 'inbound', localPort: 22, peerPort: 40_000, state: 'syn-sent' })])
  expect(told[0]).toMatchObject({
    severity: 'medium',
    technique: 'T1595',
    spoofable: true,
    evidence: { ports: [22] },
  })
  expect(told[0]?.summary).toMatch(/^198\.51\.100\.7 connected to port 22; /)
})

test('a list that only records shows and counts, and tells nobody', () => {
  const { look, told, hitsOf } = desk({ action: 'record' })
  expect(look([connection()])[0]?.listed).toEqual(['x'])
  expect([told, hitsOf('x')?.count]).toEqual([[], 1])
})

test('a list that blocks does so through the gate, and the allow list wins', () => {
  const blocking = desk({ action: 'block' })
  blocking.look([connection()])
  expect(blocking.orders).toMatchObject([
    { target: PEER, seconds: 600, origin: 'feed', actor: 'list x', alertId: 1 },
  ])
  expect(blocking.told[0]?.response).toBe('Blocked for 10 min: the list x is set to block')
  const sparing = desk({ action: 'block' }, { spared: true })
  sparing.look([connection()])
  expect(sparing.told[0]?.response).toBe('Not blocked: it is a DNS server')
  const before = desk({ action: 'block' }, { blocked: true })
  before.look([connection()])
  expect([before.orders, before.told[0]?.response]).toEqual([[], 'Blocked already'])
})

test('a listed name tells, but its address is not blocked: others may share it', () => {
  const { look, told, orders } = desk({ action: 'block' })
  const other = ip('203.0.113.9')
  const named = connection({ peer: other, target: other, name: 'cdn.bad.example' })
  expect(look([connection({ peer: other, target: other }), named]).map(({ listed }) => listed)).toEqual([
    undefined,
    ['x'],
  ])
  expect(orders).toEqual([])
  expect(told[0]?.summary).toContain('connected to cdn.bad.example (203.0.113.9); bad.example is on List X')
  expect(told[0]?.response).toContain('other names may share the address')
})

test.each([PEER, '198.51.100.0/24'])('nothing is believed about what is ignored: %s', (entry) => {
  const { look, told, ignoredBecause } = desk({}, { ignore: [entry, 'Bad.example'] })
  const named = connection({ id: 2, name: 'cdn.bad.example' })
  expect(look([connection(), named]).map(({ listed }) => listed)).toEqual([undefined, undefined])
  expect(told).toEqual([])
  expect(ignoredBecause(PEER as Ip)).toBe(entry)
  expect(ignoredBecause('notbad.example')).toBeUndefined()
})

test('whom the kernel turns away already is told, and not blocked once more', () => {
  const { look, told, orders } = desk({ action: 'block' }, { held: true })
  look([connection()])
  expect([orders, told[0]?.response]).toEqual([[], 'Turned away by the kernel: the list x is set to block'])
})

const OWNER: Owner = {
  pid: 7,
  path: '/tmp/foo',
  name: 'foo',
  commandLine: 'foo',
  uid: 0,
  source: 'ebpf',
  startedAt: NOW,
}
const HASHES = { sha256: 'ab'.repeat(32), sha1: 'cd'.repeat(20), md5: 'ef'.repeat(16) }
const JA3 = '12'.repeat(16)
const JA4 = 't13d1516h2_8daaf6152771_e5627efa2ab1'
const URL = 'http://cdn.example/mal.exe'

test.each<[string, Indicator, string, string]>([
  [
    'its SHA-256',
    { kind: 'sha256', value: HASHES.sha256 },
    `the program /tmp/foo (${HASHES.sha256}) is on`,
    'gatehouse watchdog add sha256:',
  ],
  [
    'its SHA-1',
    { kind: 'sha1', value: HASHES.sha1 },
    `the program /tmp/foo (${HASHES.sha256}) is on`,
    'gatehouse watchdog add sha256:',
  ],
  ['its MD5', { kind: 'md5', value: HASHES.md5 }, 'the program /tmp/foo', 'gatehouse watchdog add sha256:'],
  [
    'its JA3',
    { kind: 'ja3', value: JA3 },
    `how it speaks TLS (${JA3}) is on`,
    'other programs may speak TLS like that',
  ],
  [
    'its JA4',
    { kind: 'ja4', value: JA4 },
    `how it speaks TLS (${JA4}) is on`,
    'other programs may speak TLS like that',
  ],
  ['its URL', { kind: 'url', value: URL }, `${URL} is on`, 'others may share the address'],
])('a program is told by %s, and a list that blocks says why it does not', (_, entry, summary, response) => {
  const note = { flow: 1, ja3: JA3, ja4: JA4, url: URL }
  const { look, told, orders } = desk({ action: 'block' }, { entries: [entry], note, hashes: HASHES })
  for (let times = 0; times < 3; times++) {
    expect(look([connection({ owner: OWNER })])[0]?.listed).toEqual(['x'])
  }
  expect(told).toHaveLength(1)
  expect(told[0]?.summary).toMatch(/^foo connected to 198\.51\.100\.7; /)
  expect(told[0]?.summary).toContain(summary)
  expect(told[0]?.response).toContain(response)
  expect(orders).toEqual([])
})

test('of a forwarded connection both ends are looked up, and the listed one is to blame', () => {
  const infected = ip('203.0.113.5')
  const { look, told, orders } = desk({ action: 'block' }, { entries: [{ kind: 'target', value: infected }] })
  look([connection({ direction: 'forward', source: infected })])
  expect(told[0]).toMatchObject({ subject: infected })
  expect(told[0]?.summary).toContain(
    `${infected} connected through this machine to ${PEER}; ${infected} is on`,
  )
  expect(orders).toMatchObject([{ target: infected }])
})
