import { describe, expect, test } from 'vitest'
import { ip } from '#model/address.ts'
import type { Connection } from '#model/flow.ts'
import type { Owner } from '#model/owner.ts'
import { aConnection } from '../../test/support/connections.ts'
import { anOwner } from '../../test/support/remembered.ts'
import { createCallHomeBook } from './call-home.ts'
import { graphOf } from './graph.ts'

const AT = 1_000_000
const me = ip('192.0.2.1')
let lastId = 0

const program = (name: string, about: Partial<Owner> = {}): Owner =>
  anOwner({ name, path: `/usr/bin/${name}`, pid: 100, ...about })

const outbound = (to: string, at: number, about: Partial<Connection> = {}): Connection =>
  aConnection({ id: ++lastId, target: ip(to), peer: ip(to), openedAt: at, seenAt: at + 100, ...about })

const inbound = (from: string, at: number, about: Partial<Connection> = {}): Connection =>
  aConnection({
    id: ++lastId,
    source: ip(from),
    target: me,
    sourcePort: 50_000,
    targetPort: 22,
    direction: 'inbound',
    peer: ip(from),
    peerPort: 50_000,
    localPort: 22,
    openedAt: at,
    seenAt: at + 100,
    ...about,
  })

const draw = (connections: readonly Connection[]) => {
  const book = createCallHomeBook()
  book.see(connections)
  return graphOf({ connections, callHomes: book.found(), isComplete: true })
}
const kindsOf = async (connections: readonly Connection[]): Promise<string[]> =>
  (await draw(connections)).patterns.map(({ kind }) => kind)

test('edges say in words who opened what to whom', async () => {
  const graph = await draw([
    outbound('203.0.113.9', AT, {
      owner: program('curl'),
      name: 'cdn.example.com',
      bytesForward: 10,
      bytesBackward: 90,
    }),
    outbound('203.0.113.9', AT + 5, {
      owner: program('curl'),
      targetPort: 80,
      bytesForward: 0,
      bytesBackward: 0,
    }),
    inbound('198.51.100.1', AT, { owner: program('sshd') }),
    outbound('203.0.113.5', AT),
  ])
  expect(graph.edges[0]).toMatchObject({ from: 'program:/usr/bin/sshd', to: 'host:198.51.100.1' })
  expect(graph.edges.find(({ from }) => from === 'program:/usr/bin/curl')).toEqual({
    from: 'program:/usr/bin/curl',
    to: 'host:203.0.113.9',
    kind: 'talks',
    connections: 2,
    bytesIn: 90,
    bytesOut: 10,
    firstAt: AT,
    lastAt: AT + 105,
    reasons: [
      'curl opened 2 connections to 203.0.113.9, port 443, port 80.',
      'It is called cdn.example.com.',
    ],
  })
  expect(graph.edges.map(({ reasons }) => reasons[0])).toContain(
    'sshd took one connection from 198.51.100.1, its own port 22.',
  )
  expect(graph.nodes.find(({ id }) => id === 'host:203.0.113.9')).toMatchObject({
    connections: 2,
    bytes: 100,
  })
  expect(graph.nodes.map(({ label }) => label)).toContain('an unknown program')
  expect(graph.edges.find(({ kind }) => kind === 'is-called')?.to).toBe('name:cdn.example.com')
})

test('a host that several programs share, and a program that fans out, are told', async () => {
  const many = Array.from({ length: 30 }, (_, at) =>
    outbound(`198.51.100.${at + 1}`, AT + at, { owner: program('crawler') }),
  )
  const { patterns } = await draw([...many, outbound('198.51.100.1', AT, { owner: program('curl') })])
  expect(patterns.map(({ because }) => because)).toEqual([
    'crawler opened connections to 30 hosts.',
    '2 programs talk to 198.51.100.1: crawler, curl.',
  ])
})

describe('a relay', () => {
  const volumes = { bytesForward: 50_000, bytesBackward: 900_000 }
  const owner = program('socat')

  test('took a connection and soon opened another of like volume', async () => {
    const graph = await draw([
      inbound('198.51.100.1', AT, { owner, ...volumes }),
      outbound('10.0.0.7', AT + 40, { owner, bytesForward: 51_000, bytesBackward: 880_000 }),
    ])
    expect(graph.patterns[0]).toMatchObject({
      kind: 'relay',
      nodes: ['program:/usr/bin/socat', 'host:198.51.100.1', 'host:10.0.0.7'],
      because:
        'socat (process 100) took a connection from 198.51.100.1 and 40 ms later opened one to 10.0.0.7 port 443; ' +
        '50000 bytes went on and 900000 came back on both alike, once: a proxy or a pivot.',
    })
    expect(graph.edges[0]?.reasons).toContain(graph.patterns[0]?.because)
  })

  test('may let a child talk on, or a sibling', async () => {
    const child = program('ssh', { pid: 101, parentPid: 100 })
    expect(
      await kindsOf([
        inbound('198.51.100.1', AT, { owner, ...volumes }),
        outbound('10.0.0.7', AT + 9, { owner: child, ...volumes }),
      ]),
    ).toContain('relay')
    const [worker, helper] = [
      program('nginx', { pid: 7, parentPid: 5 }),
      program('nginx', { pid: 8, parentPid: 5 }),
    ]
    expect(
      await kindsOf([
        inbound('198.51.100.1', AT, { owner: worker, ...volumes }),
        outbound('10.0.0.7', AT + 9, { owner: helper, ...volumes }),
      ]),
    ).toContain('relay')
  })

  test.each([
    ['another process', { owner: program('curl', { pid: 999 }), ...volumes }, 40],
    ['another volume', { owner, bytesForward: 50_000, bytesBackward: 3_000 }, 40],
    ['a minute later', { owner, ...volumes }, 60_000],
    ['before it', { owner, ...volumes }, -40],
  ])('is not %s', async (_, about, delay) => {
    const scene = [
      inbound('198.51.100.1', AT, { owner, ...volumes }),
      outbound('10.0.0.7', AT + delay, about),
    ]
    expect(await kindsOf(scene)).not.toContain('relay')
  })

  test('is not two talks of a few bytes', async () => {
    const few = { owner, bytesForward: 100, bytesBackward: 100 }
    expect(
      await kindsOf([inbound('198.51.100.1', AT, few), outbound('10.0.0.7', AT + 9, few)]),
    ).not.toContain('relay')
  })
})

describe('calling home', () => {
  const owner = program('agent')
  const every = (intervals: readonly number[]): Connection[] => {
    let at = AT
    return intervals.map((interval) => {
      at += interval
      return outbound('203.0.113.66', at, { owner })
    })
  }

  test('is a connection every minute, a second more or less, one missed', async () => {
    const scene = every([60_000, 60_700, 59_600, 60_100, 120_000, 60_300, 59_900, 60_000])
    const [found] = (await draw([...scene, ...scene])).patterns
    expect(found).toMatchObject({
      kind: 'call-home',
      nodes: ['program:/usr/bin/agent', 'host:203.0.113.66'],
      count: 8,
    })
    expect(found?.because).toMatch(/^agent called 203.0.113.66 port 443 every 60 s, 8 times, /)
  })

  test.each([
    ['chance', [60_000, 5_000, 200_000, 31_000, 90_000, 12_000, 140_000, 66_000]],
    ['work', [100, 100, 100, 100, 100, 100, 100, 100]],
    ['five times', [60_000, 60_000, 60_000, 60_000, 60_000]],
  ])('is not %s', async (_, intervals) => {
    expect(await kindsOf(every(intervals))).not.toContain('call-home')
  })

  test('is seen among a flood of others, in bounded room', async () => {
    const book = createCallHomeBook(100)
    for (const [at, call] of every(Array.from({ length: 20 }, () => 30_000)).entries()) {
      book.see([call])
      const noise = Array.from({ length: 300 }, (_, n) =>
        outbound(`10.${at}.${n >> 8}.${n & 255}`, call.openedAt + n, { owner }),
      )
      book.see(noise)
    }
    expect(book.found()).toMatchObject([
      { peer: '203.0.113.66', openings: 20, intervalMs: 30_000, jitter: 0 },
    ])
  })
})

test('the answer is bounded, and says so', async () => {
  const flood = Array.from({ length: 3_000 }, (_, at) =>
    outbound(`10.1.${at >> 8}.${at & 255}`, AT + at, {
      owner: program(`p${at % 200}`),
      name: `n${at}.example`,
    }),
  )
  const graph = await draw(flood)
  expect([graph.edges.length, graph.isComplete, graph.connections]).toEqual([800, false, 3_000])
  expect(graph.nodes.length).toBeLessThan(1_300)
})
