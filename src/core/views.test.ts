import { beforeEach, describe, expect, test } from 'vitest'
import { Refused } from '#api/port.ts'
import type { Views } from '#api/views-port.ts'
import { parseSearch } from '#contract/search/parse.ts'
import type { Search } from '#contract/search/search.ts'
import { createPrograms } from '#identify/programs/programs.ts'
import { ip, type Target } from '#model/address.ts'
import type { AllowEntry } from '#model/allow.ts'
import type { Connection } from '#model/flow.ts'
import type { SocketKey } from '#model/owner.ts'
import type { SearchRequest, SummaryRequest } from '#store/store.ts'
import { aConnection } from '../../test/support/connections.ts'
import { aBlock, anAlert, anOwner } from '../../test/support/remembered.ts'
import { createActs } from './acts.ts'
import { createCallHomeBook } from './call-home.ts'
import type { Undated } from './gate.ts'
import { createLiveConnections } from './live-connections.ts'
import { shownAlert } from './port.ts'
import { shownConnection } from './present.ts'
import { SearchedConnection } from './searched.ts'
import { createViews } from './views.ts'

const NOW = 1_000_000
const curl = anOwner({ pid: 7 })
const sshd = anOwner({ pid: 9, name: 'sshd', path: '/usr/sbin/sshd', user: 'root' })

const OPEN: readonly Connection[] = [
  aConnection({
    id: 1,
    owner: curl,
    target: ip('203.0.113.9'),
    bytesForward: 10,
    bytesBackward: 500,
    openedAt: NOW - 50,
  }),
  aConnection({ id: 2, owner: curl, target: ip('2001:db8::1'), bytesForward: 1, bytesBackward: 1 }),
  aConnection({
    id: 3,
    owner: sshd,
    direction: 'inbound',
    source: ip('198.51.100.1'),
    peer: ip('198.51.100.1'),
    target: ip('192.0.2.1'),
    targetPort: 22,
    bytesForward: 70,
    bytesBackward: 30,
  }),
  aConnection({ id: 4, target: ip('203.0.113.9'), protocol: 1, sourcePort: 8, targetPort: 0 }),
]

function live() {
  const list = createLiveConnections()
  list.see(OPEN, NOW)
  return list
}

const read = (text: string): Search => {
  const parsed = parseSearch(text, NOW)
  if (parsed.state === 'error') throw new Error(parsed.error.message)
  return parsed.search
}

describe('views', () => {
  let asked: { readonly searches: SearchRequest[]; readonly sums: SummaryRequest[] }
  let views: Views

  beforeEach(() => {
    asked = { searches: [], sums: [] }
    const block = aBlock({ target: ip('203.0.113.9') })
    const blockOf = (peer: string) => (peer === block.target ? block : undefined)
    views = createViews({
      programs: createPrograms({ clock: () => performance.now(), packages: [] }),
      live: live(),
      store: {
        async search(request) {
          asked.searches.push(request)
          const isFirst = request.cursor === undefined
          const item = aConnection({ id: isFirst ? 90 : 91, owner: curl, openedAt: 1 })
          return { items: [item], total: 1, ...(isFirst && { next: 'more' }) }
        },
        async summaries(request) {
          asked.sums.push(request)
          const item = { key: 'x', flows: 3, bytesIn: 5, bytesOut: 6, firstAt: 2, lastAt: NOW }
          return { items: [item], total: 1, since: 0, until: NOW, isComplete: true }
        },
        firstSeen: async () => [{ kind: 'program', program: '/usr/bin/curl', at: 2, lastAt: 3 }],
        programFiles: async () => [],
        alerts: async () => ({
          items: [anAlert(1), anAlert(2, { subject: ip('192.0.2.99'), victim: ip('192.0.2.98') })],
          total: 2,
        }),
      },
      gate: {
        blockOf,
        blocks: () => [{ ...block, droppedPackets: 0, droppedBytes: 0, enforced: true }],
      },
      callHomes: createCallHomeBook(),
      now: () => NOW,
      show: (connection) => shownConnection(connection, blockOf),
      showAlert: shownAlert,
    })
  })

  test('live connections are searched as the page shows them', () => {
    const ids = (text: string): number[] => views.connections(read(text)).map(({ id }) => id)
    expect(ids('is:blocked')).toEqual([1, 4])
    expect(ids('app:curl -is:blocked')).toEqual([2])
    expect(ids('proto:icmp')).toEqual([4])
  })

  test('a live connection is searched as it would be shown, in every field', () => {
    const blockOf = () => aBlock()
    for (const connection of live().all()) {
      const searched = new SearchedConnection(connection, blockOf)
      const shown: Record<string, unknown> = shownConnection(connection, blockOf)
      const fields = Object.keys(Object.getOwnPropertyDescriptors(SearchedConnection.prototype))
      for (const field of fields.filter((name) => name !== 'constructor')) {
        expect([field, searched[field as keyof SearchedConnection]]).toEqual([field, shown[field]])
      }
      expect(fields.length).toBeGreaterThan(20)
    }
  })

  test('sums of now are of what is open, most bytes first', async () => {
    const { items, since } = await views.summaries({ by: 'program', limit: 10 })
    expect(items.map(({ key, flows, bytesIn, bytesOut }) => [key, flows, bytesIn, bytesOut])).toEqual([
      ['', 1, 4000, 1000],
      ['/usr/bin/curl', 2, 501, 11],
      ['/usr/sbin/sshd', 1, 70, 30],
    ])
    expect([since, asked.sums]).toEqual([undefined, []])
    const ports = await views.summaries({ by: 'port', limit: 1, search: read('app:sshd') })
    expect([ports.items[0]?.key, ports.total]).toEqual(['22/tcp', 1])
  })

  test('sums over a time come from the store', async () => {
    const list = await views.summaries({ by: 'host', since: 5, limit: 3 })
    expect(list).toMatchObject({ by: 'host', items: [{ key: 'x' }], isComplete: true })
    expect(asked.sums).toEqual([{ kind: 'host', since: 5, limit: 3, now: NOW }])
  })

  test.each(['curl', '/usr/bin/curl', '7'])('the program %s is told with what touches it', async (name) => {
    const view = await views.program(name)
    expect(view).toMatchObject({
      program: '/usr/bin/curl',
      pids: [7],
      users: ['anna'],
      firstSeenAt: 2,
      bytesIn: 5,
    })
    expect(view.live.map(({ id }) => id)).toEqual([1, 2])
    expect(view.blocks.map(({ target }) => target)).toEqual(['203.0.113.9'])
    expect(view.alerts.map(({ id }) => id)).toEqual([1])
  })

  test('a host is told with its programs, its block and its alerts', async () => {
    const view = await views.host('203.0.113.9')
    expect(view).toMatchObject({
      firstSeenAt: 2,
      lastSeenAt: NOW,
      programs: ['/usr/bin/curl'],
      block: { target: '203.0.113.9' },
      alerts: [{ id: 1 }],
    })
    expect(view.live.map(({ id }) => id)).toEqual([1, 4])
    await expect(views.host('nobody')).rejects.toThrow(Refused)
  })

  test('the graph is of now, and with a time of the past too, page after page', async () => {
    expect((await views.graph({})).connections).toBe(4)
    expect(asked.searches).toEqual([])
    const graph = await views.graph({ since: 5, search: read('app:curl') })
    expect([graph.connections, asked.searches.length, asked.searches[1]?.cursor]).toEqual([4, 2, 'more'])
  })
})

describe('closing', () => {
  const operator = { name: 'anna', role: 'operator' } as const
  const session: AllowEntry = { target: ip('198.51.100.1'), source: 'session', note: 'login session of anna' }
  let keys: SocketKey[]
  let targets: Target[]
  let noted: Undated[]

  const acts = () =>
    createActs({
      note: (undated) => noted.push(undated),
      live: live(),
      allow: { spares: (target) => (target === session.target ? session : undefined) },
      enforcer: {
        closeSockets(target) {
          targets.push(target)
          return target === '203.0.113.9' ? 2 : 0
        },
      },
      closeSocket: (key) => keys.push(key) && 1,
    })

  beforeEach(() => {
    keys = []
    targets = []
    noted = []
  })

  test('a program: each of its connections, by its own socket', async () => {
    const { sentence, closedConnections } = await acts().closeProgram('curl', false, operator)
    expect([sentence, closedConnections]).toEqual(['Closed 2 connections of curl, as anna asked.', 2])
    expect(keys.map(({ peerAddress }) => peerAddress)).toEqual(['203.0.113.9', '2001:db8::1'])
    expect(noted).toEqual([
      { kind: 'close', target: 'program curl', actor: 'anna', reason: 'closed 2 connections of it' },
    ])
  })

  test('a login session stays, whoever asks', async () => {
    expect((await acts().closeProgram('sshd', false, operator)).sentence).toContain(
      'One connection of a login session stays open.',
    )
    await expect(acts().closeHost('198.51.100.1', false, operator)).rejects.toThrow(/login session of anna/)
    expect([keys, targets]).toEqual([[], []])
  })

  test('a dry run closes nothing', async () => {
    expect((await acts().closeProgram('7', true, operator)).sentence).toBe(
      '2 connections of 7 would be closed.',
    )
    await acts().closeHost('203.0.113.9', true, operator)
    expect([keys, targets, noted]).toEqual([[], [], []])
  })

  test('one, by its number; the log says whose it was', async () => {
    const [first] = live().all()
    await acts().closeConnection(first?.id ?? 0, operator)
    expect([keys.length, noted]).toEqual([
      1,
      [expect.objectContaining({ kind: 'close', target: first?.peer, actor: 'anna' })],
    ])
    await expect(acts().closeConnection(999, operator)).rejects.toThrow('This connection is over.')
  })

  test('names are exact: ssh is not sshd', async () => {
    await expect(acts().closeProgram('ssh', false, operator)).rejects.toThrow('No connection of ssh is open.')
    await expect(acts().closeProgram('/usr/bin/cur', false, operator)).rejects.toThrow(Refused)
  })

  test('a host: all sockets with it; none is said in words', async () => {
    const { sentence } = await acts().closeHost('203.0.113.9', false, operator)
    expect(sentence).toBe('2 connections with 203.0.113.9 closed, as anna asked.')
    await expect(acts().closeHost('203.0.113.10', false, operator)).rejects.toThrow(/is open on this machine/)
  })
})
