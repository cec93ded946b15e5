import type { ChildProcess } from 'node:child_process'
import { appendFileSync, copyFileSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect } from 'vitest'
import type { Connection, Outcome, Page } from '#contract/schemas.ts'
import type { FirstSeen, Graph, HostView, ProgramView, SummaryList } from '#contract/views.ts'
import { removeFolder, startDaemon, type TestDaemon, until } from '../support/daemon.ts'
import { layWire, type Wire } from '../support/namespaces.ts'
import { testWith } from '../support/needs.ts'
import { listen } from '../support/talkers.ts'

/** Searches, sums, the graph and closing, against a real daemon and real sockets in namespaces of their own. */
const SUPPORT = fileURLToPath(new URL('../support/', import.meta.url))
const test = testWith('root', 'ip')

let wire: Wire
let daemon: TestDaemon
let port: number
let talker: ReturnType<typeof linesOf>

beforeAll(async () => {
  wire = layWire()
  daemon = await startDaemon({ namespace: wire.server.namespace })
  port = await listen(wire.client)
})

afterAll(async () => {
  await daemon.stop()
  wire.remove()
  removeFolder(daemon.folder)
})

/** Three connections of a program of its own, each known. */
async function startTalker() {
  const started = linesOf(wire.server, 'talker.ts', wire.client.ip4, wire.client.ip6, String(port))
  await until('the talker talks', () => started.heard.includes('open'))
  await until('its connections are known', () => connections(`pid:${started.pid}`).length === 3)
  return started
}

/** A program of ours in a namespace, with what it said so far. Its `ip netns exec` becomes the program: one pid. */
function linesOf(host: Wire['server'], script: string, ...words: string[]) {
  const child = host.start(process.execPath, `${SUPPORT}${script}`, ...words)
  const heard: string[] = []
  child.stdout?.on('data', (bytes: Buffer) => heard.push(...bytes.toString().trim().split('\n')))
  return { pid: child.pid ?? 0, heard, end: () => child.kill('SIGKILL') }
}

const connections = (...query: string[]): Connection[] => daemon.ask<Connection[]>('connections', ...query)
const history = (...query: string[]): Connection[] => daemon.ask<Page<Connection>>('history', ...query).items

function refusalOf(...words: string[]): { readonly status: number; readonly said: string } {
  try {
    daemon.tell(...words)
  } catch (error) {
    const { status, stderr } = error as { status: number; stderr: string }
    return { status, said: stderr }
  }
  throw new Error('was not refused')
}

describe('looking', () => {
  beforeAll(async () => {
    talker = await startTalker()
  })
  afterAll(() => talker.end())

  test('the same search finds what is open, and in the store', async () => {
    const both = [
      'proto:tcp',
      `peer:${wire.client.ip4},${wire.client.ip6}`,
      '-dir:inbound',
      `pid:${talker.pid}`,
    ]
    expect(connections(...both)).toHaveLength(2)
    await until('the store has them', () => history(...both).length === 2)
    const inStore = history(`port:${port}`, 'proto:udp', `user:root`, 'since:10m')
    expect(inStore).toMatchObject([
      { peer: wire.client.ip4, peerPort: port, owner: { pid: talker.pid, name: 'node' } },
    ])
    expect(history(`port:${port}`, 'app:absent')).toEqual([])
    expect(connections('dst:2001:db8::/32')).toEqual([])
  })

  test('what cannot be read is shown with a caret', () => {
    const { status, said } = refusalOf('history', 'app:node', '-prot:tcp')
    expect([status, said]).toEqual([
      2,
      expect.stringContaining('app:node -prot:tcp\n          ^^^^\nThere is no key "prot".'),
    ])
  })

  test('sums, a program, a host, what was first and the graph agree', async () => {
    const [row] = daemon.ask<SummaryList>('programs', `port:${port}`).items
    expect(row).toMatchObject({ key: process.execPath, flows: 3 })
    expect(row?.bytesOut).toBeGreaterThan(1200)
    const overTime = (): SummaryList => daemon.ask<SummaryList>('hosts', '--over', '1h')
    await until('the sums are kept', () => overTime().items.some(({ key }) => key === wire.client.ip6))
    const longer = daemon.ask<SummaryList>('summary', '--by', 'port', '--over', '7d')
    expect(longer.items.map(({ key }) => key)).toEqual(expect.arrayContaining([`${port}/tcp`, `${port}/udp`]))

    const program = daemon.ask<ProgramView>('program', String(talker.pid))
    expect(program).toMatchObject({ program: process.execPath, pids: [talker.pid], users: ['root'] })
    expect(program.firsts.map(({ kind, peer }: FirstSeen) => [kind, peer])).toEqual(
      expect.arrayContaining([
        ['program', undefined],
        ['program-host', wire.client.ip4],
        ['program-host', wire.client.ip6],
      ]),
    )
    const host = daemon.ask<HostView>('host', wire.client.ip4)
    // What answers for a closed UDP port is the kernel.
    expect(host).toMatchObject({
      address: wire.client.ip4,
      programs: expect.arrayContaining(['kernel', process.execPath]),
    })
    // The client has no UDP listener: its ICMP errors are connections too.
    const spoken = ({ protocol }: Connection): boolean => protocol === 'tcp' || protocol === 'udp'
    expect(host.live.filter(spoken)).toHaveLength(2)
    expect(host.recent.filter(spoken)).toHaveLength(2)

    const graph = daemon.ask<Graph>('graph', '--over', '1h', `port:${port}`)
    const edge = graph.edges.find(({ to }) => to === `host:${wire.client.ip4}`)
    expect(edge).toMatchObject({ from: `program:${process.execPath}`, connections: 2 })
    expect(edge?.reasons[0]).toBe(`node opened 2 connections to ${wire.client.ip4}, port ${port}.`)
  })

  test('people read it as tables', () => {
    expect(daemon.tell('connections', `pid:${talker.pid}`)).toMatch(/^PROGRAM +WAY +PROTO +PEER/)
    expect(daemon.tell('programs')).toMatch(/^PROGRAM +CONNECTIONS +IN +OUT +COUNTED IN +COUNTED OUT +LAST\n/)
    expect(daemon.tell('program', 'node')).toMatch(/^Program {5}\/.*node\nProcesses +\d+\nUsers +root\n/)
    expect(daemon.tell('host', wire.client.ip6)).toContain(`Programs    ${process.execPath}`)
  })

  test('a program that passes on what it takes is a relay', async () => {
    const relay = linesOf(wire.server, 'tcp-relay.ts', wire.client.ip6, String(port))
    await until('it listens', () => relay.heard.some((line) => line.startsWith('listening')))
    const relayPort = relay.heard[0]?.split(' ')[1] ?? ''
    const code = `require('node:net').connect(${relayPort}, '${wire.server.ip4}').end('secret'.repeat(5_000))`
    wire.client.run(process.execPath, '-e', code)
    const found = () =>
      daemon.ask<Graph>('graph', '--over', '1h').patterns.filter(({ kind }) => kind === 'relay')
    await until('the relay is told', () => found().length > 0)
    const [pattern] = found()
    expect(pattern?.nodes).toEqual([
      `program:${process.execPath}`,
      `host:${wire.client.ip4}`,
      `host:${wire.client.ip6}`,
    ])
    expect(pattern?.because).toContain(`(process ${relay.pid}) took a connection from ${wire.client.ip4}`)
    relay.end()
  })

  test('a program whose binary changed is told', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'gatehouse-binary-'))
    const callers: ChildProcess[] = []
    try {
      const program = join(folder, 'caller')
      const call = (more: string): void => {
        copyFileSync(process.execPath, `${program}.new`)
        // What stands behind an executable changes its hash, and not what it does.
        appendFileSync(`${program}.new`, more)
        renameSync(`${program}.new`, program)
        callers.push(wire.server.start(program, `${SUPPORT}tcp-caller.ts`, wire.client.ip4, String(port)))
      }
      const files = () => {
        const known = connections(`path:${program}`).length > 0
        return known ? daemon.ask<ProgramView>('program', program).files.length : 0
      }
      call('one')
      await until('the first binary is noted', () => files() === 1)
      call('other')
      await until('the second binary is noted', () => files() === 2)
      expect(daemon.tell('program', program)).toMatch(/\nBinary +changed \d+ s ago\n/)
    } finally {
      for (const caller of callers) caller.kill('SIGKILL')
      rmSync(folder, { recursive: true })
    }
  })
})

describe('closing', () => {
  beforeEach(async () => {
    talker = await startTalker()
  })
  afterEach(() => talker.end())

  test('all of a program ends TCP and UDP, by IPv4 and IPv6, and no other program', async () => {
    const other = await startTalker()
    const dry = daemon.ask<Outcome>('close', 'program', String(talker.pid), '--dry-run')
    expect(dry).toMatchObject({
      sentence: `3 connections of ${talker.pid} would be closed.`,
      closedConnections: 0,
    })
    const outcome = daemon.ask<Outcome>('close', 'program', String(talker.pid))
    expect(outcome).toMatchObject({ closedConnections: 3 })
    await until(
      'they are closed',
      () => talker.heard.filter((line) => line.startsWith('closed')).length === 3,
    )
    expect(talker.heard.slice(1).sort()).toEqual(['closed 4', 'closed 6', 'closed udp'])
    expect(other.heard).toEqual(['open'])
    other.end()
  })

  test('all of a host ends those with it alone', async () => {
    const callsOf = (address: string): number => connections(`peer:${address}`, 'proto:tcp').length
    await until('nobody else talks to it', () => callsOf(wire.client.ip6) + callsOf(wire.client.ip4) === 2)
    expect(daemon.ask<Outcome>('close', 'host', wire.client.ip6)).toMatchObject({ closedConnections: 1 })
    await until('it is closed', () => talker.heard.includes('closed 6'))
    expect(daemon.ask<Outcome>('close', 'host', wire.client.ip4)).toMatchObject({ closedConnections: 2 })
    await until('all are closed', () => talker.heard.length === 4)
    expect(refusalOf('close', 'host', wire.client.ip4)).toMatchObject({ status: 1 })
  })

  test('one by its number', async () => {
    const [one] = connections(`peer:${wire.client.ip6}`, `pid:${talker.pid}`)
    expect(daemon.tell('close', String(one?.id))).toMatch(/was closed by /)
    await until('it is closed', () => talker.heard.includes('closed 6'))
    expect(talker.heard).toEqual(['open', 'closed 6'])
  })

  test('a program that has nothing open is told so', () => {
    const { status, said } = refusalOf('close', 'program', 'no-such-program')
    expect([status, said]).toEqual([1, expect.stringContaining('No connection of no-such-program is open.')])
  })
})
