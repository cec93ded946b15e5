import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { OwnedSocket, Owners, SocketList } from '#identify/owners/thread.ts'
import { startOwners } from '#identify/owners/thread.ts'
import type { Owner, SocketKey } from '#model/owner.ts'
import { layWire, type NamespaceHost } from '../support/namespaces.ts'
import { testWith } from '../support/needs.ts'
import { holdSockets, manySockets, type SocketHolder } from '../support/sockets.ts'

const TCP = 6
const UDP = 17
const moduleAt = (path: string): string => new URL(`../../src/${path}`, import.meta.url).href

let owners: Owners
const holders: SocketHolder<unknown>[] = []

beforeAll(() => {
  owners = startOwners({ sources: ['scan'] })
})

afterAll(() => owners.stop())

afterEach(async () => {
  for (const holder of holders.splice(0)) await holder.stop()
})

async function hold<Said>(
  script: string,
  options: Parameters<typeof holdSockets>[1] = {},
): Promise<SocketHolder<Said>> {
  const holder = await holdSockets<Said>(script, options)
  holders.push(holder)
  return holder
}

/** Asks for one key and waits for its answer. */
function ask(key: SocketKey): Promise<Owner | undefined> {
  return new Promise((resolve) => {
    owners.onAnswer((answers) => {
      const answer = answers.find(
        (one) => one.key.localPort === key.localPort && one.key.peerPort === key.peerPort,
      )
      if (answer) resolve(answer.owner)
    })
    owners.request([key])
  })
}

const key = (protocol: number, local: [string, number], peer: [string, number]): SocketKey => ({
  protocol,
  localAddress: local[0],
  localPort: local[1],
  peerAddress: peer[0],
  peerPort: peer[1],
})

const rows = (list: SocketList): OwnedSocket[] => Array.from({ length: list.count }, (_, row) => list.at(row))

/** The script of a server with one connection to itself: both ends are said. */
const connection = (listen: string, connect: string): string => `
  const server = net.createServer(() => {}).listen(${listen}, () => {
    const socket = net.connect({ ${connect}, port: server.address().port }, () =>
      setTimeout(() => say({ server: server.address().port, client: socket.localPort }), 50))
  })`

describe('a program that talks TCP', () => {
  test.each([
    ['IPv4', `{ port: 0, host: '127.0.0.1' }`, `host: '127.0.0.1'`, '127.0.0.1'],
    ['IPv6', `{ port: 0, host: '::1' }`, `host: '::1'`, '::1'],
    ['IPv4 to an IPv6 socket', `{ port: 0, host: '::' }`, `host: '127.0.0.1'`, '127.0.0.1'],
  ])('is found at both ends over %s', async (_what, listen, connect, address) => {
    const { pid, said } = await hold<{ server: number; client: number }>(connection(listen, connect))
    const out = await ask(key(TCP, [address, said.client], [address, said.server]))
    const inward = await ask(key(TCP, [address, said.server], [address, said.client]))
    expect(out).toMatchObject({
      pid,
      path: process.execPath,
      name: 'node',
      uid: process.getuid?.(),
      source: 'scan',
    })
    expect(out?.commandLine).toContain('createServer')
    expect(out?.parentPid).toBe(process.pid)
    expect(inward).toMatchObject({ pid, source: 'scan' })
    expect(owners.ownerOf(key(TCP, [address, said.client], [address, said.server]))).toEqual(out)
  })

  test('is found by its listening socket when the connection is gone', async () => {
    const { pid, said } = await hold<{ server: number }>(connection(`{ port: 0, host: '::' }`, `host: '::1'`))
    for (const address of ['127.0.0.1', '::1']) {
      const owner = await ask(key(TCP, [address, said.server], [address, 1]))
      expect(owner).toMatchObject({ pid, source: 'guess' })
    }
  })

  test('stays unknown when its socket is gone and nobody listens', async () => {
    const started = performance.now()
    expect(await ask(key(TCP, ['127.0.0.1', 1], ['127.0.0.1', 2]))).toBeUndefined()
    expect(performance.now() - started).toBeLessThan(6_000)
  })
})

describe('a program that talks UDP', () => {
  test.each([
    ['udp4', '127.0.0.1'],
    ['udp6', '::1'],
  ])('is found by its connected socket before one bound to any (%s)', async (kind, address) => {
    const any = await hold<{ port: number }>(`
      const any = dgram.createSocket({ type: '${kind}', reuseAddr: true }).bind(0, () => say({ port: any.address().port }))`)
    const one = await hold<{ port: number }>(`
      const one = dgram.createSocket({ type: '${kind}', reuseAddr: true }).bind(${any.said.port}, '${address}', () =>
        one.connect(9, '${address}', () => say({ port: one.address().port })))`)
    const at = (peer: number): Promise<Owner | undefined> =>
      ask(key(UDP, [address, any.said.port], [address, peer]))
    expect(await at(9)).toMatchObject({ pid: one.pid, source: 'scan' })
    expect(await at(10)).toMatchObject({ pid: any.pid, source: 'scan' })
  })

  test('is found over IPv4 by its IPv6 socket', async () => {
    const { pid, said } = await hold<{ port: number }>(`
      const both = dgram.createSocket('udp6').bind(0, () => say({ port: both.address().port }))`)
    expect(await ask(key(UDP, ['127.0.0.1', said.port], ['127.0.0.9', 7]))).toMatchObject({ pid })
  })
})

test('of a server and its workers that share a socket the server is the owner', async () => {
  const { pid, said } = await hold<{ port: number; workers: number[] }>(`
    const { spawn } = require('child_process')
    const server = net.createServer(() => {}).listen(0, '127.0.0.1', () => {
      const workers = [1, 2].map(() => spawn('sleep', ['20'], { stdio: ['ignore', 'ignore', 'ignore', server._handle.fd] }))
      process.on('exit', () => workers.forEach((worker) => worker.kill()))
      setTimeout(() => say({ port: server.address().port, workers: workers.map((worker) => worker.pid) }), 100)
    })`)
  expect(await ask(key(TCP, ['127.0.0.1', said.port], ['127.0.0.1', 5]))).toMatchObject({ pid })
  for (const worker of said.workers) process.kill(worker)
})

test('listening, connected and unconnected sockets are listed with their owner', async () => {
  const { pid, said } = await hold<{ port: number; client: number; udp: number }>(`
    const udp = dgram.createSocket('udp4').bind(0, '127.0.0.1', () => {
      const server = net.createServer(() => {}).listen(0, '127.0.0.1', () => {
        const socket = net.connect(server.address().port, '127.0.0.1', () => setTimeout(() =>
          say({ port: server.address().port, client: socket.localPort, udp: udp.address().port }), 50))
      })
    })`)
  const mine = rows(await owners.listSockets())
    .filter((socket) => socket.owner?.pid === pid)
    .map(({ protocol, localPort, peerPort, state }) => ({ protocol, localPort, peerPort, state }))
  expect(mine).toHaveLength(4)
  expect(mine).toEqual(
    expect.arrayContaining([
      { protocol: TCP, localPort: said.port, peerPort: 0, state: 'listen' },
      { protocol: TCP, localPort: said.port, peerPort: said.client, state: 'established' },
      { protocol: TCP, localPort: said.client, peerPort: said.port, state: 'established' },
      { protocol: UDP, localPort: said.udp, peerPort: 0, state: 'open' },
    ]),
  )
})

test('10,000 sockets are listed with owners, and the event loop hardly waits', async () => {
  const { pid, said } = await hold<{ sockets: number }>(manySockets(5_000))
  /** The longest turn of each round. */
  const longestMs: number[] = []
  let longest = 0
  const fresh = startOwners({ sources: ['scan'] })
  await fresh.listSockets()
  let last = performance.now()
  const clock = setInterval(() => {
    longest = Math.max(longest, performance.now() - last)
    last = performance.now()
  }, 1)
  const tookMs: number[] = []
  const lists: SocketList[] = []
  for (let round = 0; round < 5; round++) {
    const started = performance.now()
    lists.push(await fresh.listSockets())
    tookMs.push(performance.now() - started)
    longestMs.push(longest)
    longest = 0
  }
  clearInterval(clock)
  await fresh.stop()
  for (const list of lists) {
    expect(rows(list).filter((socket) => socket.owner?.pid === pid)).toHaveLength(said.sockets)
  }
  const figures = tookMs.map((ms) => ms.toFixed(1)).join(', ')
  // The least of five: what the machine is busy with besides is not ours.
  const ownMs = Math.min(...longestMs)
  process.stdout.write(
    `10,000 sockets with owners: ${figures} ms; longest turn of the event loop ${ownMs.toFixed(1)} ms\n`,
  )
  expect(ownMs).toBeLessThan(100)
})

testWith('root')(
  'without privilege the programs of others are said to be unreadable, our own are known',
  async () => {
    const { said } = await hold<{ server: number; client: number }>(
      connection(`{ port: 0, host: '127.0.0.1' }`, `host: '127.0.0.1'`),
    )
    const text = execFileSync(
      process.execPath,
      [
        '--input-type=module',
        '-e',
        `import net from 'node:net'
       import { LookUp } from '${moduleAt('identify/owners/look-up.ts')}'
       import { ProcScan } from '${moduleAt('identify/owners/proc-scan.ts')}'
       import { SocketFinder } from '${moduleAt('identify/owners/socket-finder.ts')}'
       import { dropPrivileges } from '${moduleAt('kernel/privilege.ts')}'
       import { SocketDiag } from '${moduleAt('kernel/sock-diag.ts')}'
       dropPrivileges({ user: 'nobody' })
       const server = net.createServer(() => {}).listen(0, '127.0.0.1', () => {
         const scan = new ProcScan()
         const lookUp = new LookUp(new SocketFinder(new SocketDiag()), [scan])
         const at = (localPort, peerPort) => ({ protocol: 6, localAddress: '127.0.0.1', localPort, peerAddress: '127.0.0.1', peerPort })
         let answers = lookUp.ask([at(${said.client}, ${said.server}), at(server.address().port, 1)], 0)
         for (let now = 0; lookUp.isWaiting; now += 1000) answers = answers.concat(lookUp.refresh(now))
         console.log(JSON.stringify({ answers, health: scan.health(), own: server.address().port, pid: process.pid }))
         process.exit(0)
       })`,
      ],
      { encoding: 'utf8' },
    )
    const report = JSON.parse(text) as {
      answers: { key: SocketKey; owner?: Owner }[]
      own: number
      pid: number
      health: object
    }
    const ownerAt = (port: number): Owner | undefined =>
      report.answers.find((answer) => answer.key.localPort === port)?.owner
    expect(ownerAt(said.client)).toEqual({
      pid: 0,
      path: 'unreadable',
      unreadableBecause: 'the program belongs to another user: root may see which it is',
      name: 'unreadable',
      commandLine: '',
      uid: 0,
      user: 'root',
      source: 'scan',
      confidence: 0.95,
    })
    expect(ownerAt(report.own)).toMatchObject({ pid: report.pid, path: process.execPath, user: 'nobody' })
    expect(report.health).toMatchObject({
      state: 'degraded',
      remedy: 'run Gatehouse as root, or give it CAP_SYS_PTRACE',
    })
  },
)

testWith('root', 'ip')(
  'in a network namespace it sees the sockets of that namespace, and of no other',
  async () => {
    const wire = layWire()
    try {
      const here = await hold<{ port: number }>(
        `
      const server = net.createServer(() => {}).listen(0, '${wire.server.ip4}', () => say({ port: server.address().port }))`,
        {
          namespace: wire.server.namespace,
        },
      )
      const linkLocal = await hold<{ port: number; address: string }>(
        `const { networkInterfaces } = require('os')
       const bind = (tries) => {
         const found = (networkInterfaces().gh0 ?? []).find((one) => one.address.startsWith('fe80'))
         const again = () => tries > 0 ? setTimeout(() => bind(tries - 1), 100) : process.exit(3)
         if (!found) return again()
         const socket = dgram.createSocket('udp6')
         socket.on('error', again)
         socket.bind(0, found.address + '%gh0', () => say({ port: socket.address().port, address: found.address }))
       }
       bind(50)`,
        { namespace: wire.server.namespace },
      )
      const keys = [
        key(TCP, [wire.server.ip4, here.said.port], [wire.client.ip4, 4_000]),
        key(UDP, [linkLocal.said.address, linkLocal.said.port], ['fe80::9', 4_000]),
      ]
      const script = `
      import { startOwners } from '${moduleAt('identify/owners/thread.ts')}'
      const owners = startOwners()
      const keys = ${JSON.stringify(keys)}
      const all = []
      owners.onAnswer((answers) => {
        all.push(...answers)
        if (all.length === keys.length) { console.log(JSON.stringify(all)); void owners.stop() }
      })
      owners.request(keys)`
      const answersIn = (host: NamespaceHost): { key: SocketKey; owner?: Owner }[] =>
        JSON.parse(host.run(process.execPath, '--input-type=module', '-e', script))
      const pidAt = (answers: ReturnType<typeof answersIn>, port: number): number | undefined =>
        answers.find((answer) => answer.key.localPort === port)?.owner?.pid
      const inside = answersIn(wire.server)
      expect([pidAt(inside, here.said.port), pidAt(inside, linkLocal.said.port)]).toEqual([
        here.pid,
        linkLocal.pid,
      ])
      const outside = answersIn(wire.client)
      expect(outside.every((answer) => answer.owner === undefined)).toBe(true)
    } finally {
      for (const holder of holders.splice(0)) await holder.stop()
      wire.remove()
    }
  },
)

testWith('root', 'ip')("a socket that no process holds is the kernel's own", () => {
  const wire = layWire()
  try {
    // The kernel opens the UDP port of a VXLAN link itself.
    wire.server.run(
      'ip',
      'link',
      'add',
      'vx0',
      'type',
      'vxlan',
      'id',
      '7',
      'dstport',
      '4789',
      'dev',
      wire.server.link,
    )
    wire.server.run('ip', 'link', 'set', 'vx0', 'up')
    const script = `
      import { startOwners } from '${moduleAt('identify/owners/thread.ts')}'
      const owners = startOwners()
      owners.onAnswer((answers) => { console.log(JSON.stringify(answers)); void owners.stop() })
      owners.request([${JSON.stringify(key(UDP, [wire.server.ip4, 4_789], [wire.client.ip4, 4_000]))}])`
    const answers = JSON.parse(wire.server.run(process.execPath, '--input-type=module', '-e', script)) as {
      owner?: Owner
    }[]
    expect(answers[0]?.owner).toEqual({
      pid: 0,
      path: 'kernel',
      name: 'kernel',
      commandLine: '',
      uid: 0,
      user: 'root',
      source: 'kernel',
      confidence: 0.9,
    })
  } finally {
    wire.remove()
  }
})

test('a program whose file was replaced is named with its path, and that it is gone', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'gh-owner-'))
  const path = join(folder, 'bash-copy')
  copyFileSync('/bin/bash', path)
  const server = await hold<{ port: number }>(`
    const { spawn } = require('child_process')
    const server = net.createServer(() => {}).listen(0, '127.0.0.1', () => {
      const child = spawn('${path}', ['-c', 'exec 3<>/dev/tcp/127.0.0.1/' + server.address().port + '; read x'], { stdio: ['pipe', 'ignore', 'ignore'] })
      server.on('connection', (socket) => {
        require('fs').unlinkSync('${path}')
        say({ port: server.address().port, client: socket.remotePort, child: child.pid })
      })
    })`)
  const { port, client, child } = server.said as { port: number; client: number; child: number }
  const owner = await ask(key(TCP, ['127.0.0.1', client], ['127.0.0.1', port]))
  expect(owner).toMatchObject({ pid: child, path, executableGone: true, name: 'bash-copy' })
  rmSync(folder, { recursive: true })
})
