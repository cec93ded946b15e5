import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmdirSync, rmSync } from 'node:fs'
import { type AddressInfo, connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { startOwners } from '#identify/owners/thread.ts'
import { ByteCounters, type SocketBytes } from '#kernel/bpf/byte-counters.ts'
import { parseCgroupMount } from '#kernel/bpf/cgroup-root.ts'
import { takenSoFar } from '#kernel/tcp-bytes.ts'
import { hasCompiler, PEEKING, withProgram } from '../support/compiled.ts'
import { testWith } from '../support/needs.ts'

const wireTest = testWith('root', 'ip', 'nft')
const compiledTest = hasCompiler() ? wireTest : test.skip
const PAYLOAD = 3_000_000
const SENT_BACK = 70_000
const DATAGRAMS = 500
const DATAGRAM_BYTES = 1_200
const SPLICING = new URL('../support/splicing.c', import.meta.url)
const NFT = `table inet count {
  counter sent {}
  counter received {}
  chain out { type filter hook output priority 300; meta l4proto { tcp, udp } counter name sent; }
  chain in { type filter hook input priority 300; meta l4proto { tcp, udp } counter name received; }
}`

let group: string
let namespace: string
let made = 0

beforeEach(() => {
  const mount = parseCgroupMount(readFileSync('/proc/self/mountinfo', 'utf8')) as string
  group = join(mount, `gh-bytes-${process.pid}-${++made}`)
  namespace = `gh-bytes-${process.pid}-${made}`
  mkdirSync(group)
  execFileSync('ip', ['netns', 'add', namespace])
  execFileSync('ip', ['-n', namespace, 'link', 'set', 'lo', 'up'])
  execFileSync('ip', ['netns', 'exec', namespace, 'nft', '-f', '-'], { input: NFT })
})

afterEach(() => {
  execFileSync('ip', ['netns', 'del', namespace])
  rmdirSync(group)
})

/** Runs a command in the namespace and the group; it says a line when all has been sent, and waits for its end. */
async function transfer(
  command: readonly string[],
  look: (said: string) => Promise<void> | void,
): Promise<void> {
  const shell = `echo $$ > ${group}/cgroup.procs && exec ip netns exec ${namespace} "$@"`
  const child = spawn('sh', ['-c', shell, 'sh', ...command], { stdio: ['pipe', 'pipe', 'inherit'] })
  try {
    const [said] = (await once(child.stdout, 'data')) as [Buffer]
    // Acknowledgements are under way for at most 40 ms (TCP_DELACK_MIN).
    await pause(150)
    await look(said.toString().trim())
  } finally {
    child.stdin.end()
    await once(child, 'exit')
  }
}

const tcp = (host: string): string[] => [
  process.execPath,
  '-e',
  `
  const net = require('net')
  process.stdin.on('end', () => process.exit()).resume()
  let got = 0
  const server = net.createServer((socket) => { socket.write(Buffer.alloc(${SENT_BACK})); socket.on('data', (bytes) => { got += bytes.length; done() }) })
  let back = 0
  const done = () => { if (got === ${PAYLOAD} && back === ${SENT_BACK}) console.log(client.localPort) }
  let client
  server.listen(0, '${host}', () => {
    client = net.connect(server.address().port, '${host}', () => client.write(Buffer.alloc(${PAYLOAD})))
    client.on('data', (bytes) => { back += bytes.length; done() })
  })`,
]

const udp = [
  process.execPath,
  '-e',
  `
  const dgram = require('dgram')
  process.stdin.on('end', () => process.exit()).resume()
  const [server, client] = [dgram.createSocket('udp4'), dgram.createSocket('udp4')]
  let got = 0
  const send = () => client.send(Buffer.alloc(${DATAGRAM_BYTES}), server.address().port, '127.0.0.1')
  server.on('message', () => { if (++got === ${DATAGRAMS}) console.log(client.address().port); else send() })
  server.bind(0, '127.0.0.1', send)`,
]

function countedByNft(): { sent: number; received: number } {
  const text = execFileSync('ip', ['netns', 'exec', namespace, 'nft', 'list', 'counters'], {
    encoding: 'utf8',
  })
  const of = (name: string): number =>
    Number(new RegExp(`counter ${name} \\{\\s+packets \\d+ bytes (\\d+)`).exec(text)?.[1])
  return { sent: of('sent'), received: of('received') }
}

/** Of the namespace, since it was made (proc_net_snmp: line of names, line of numbers). */
function resentSegments(): number {
  const text = execFileSync('ip', ['netns', 'exec', namespace, 'cat', '/proc/net/snmp'], { encoding: 'utf8' })
  const [names = [], numbers = []] = text
    .split('\n')
    .filter((line) => line.startsWith('Tcp:'))
    .map((line) => line.split(' '))
  return Number(numbers[names.indexOf('RetransSegs')])
}

const sumOf = (all: readonly SocketBytes[]): { sent: number; received: number } => ({
  sent: all.reduce((sum, { sentBytes }) => sum + sentBytes, 0),
  received: all.reduce((sum, { receivedBytes }) => sum + receivedBytes, 0),
})

const read = (counters: ByteCounters): SocketBytes[] =>
  counters.cookies().flatMap((cookie) => counters.of(cookie) ?? [])

describe('the bytes of each socket, without any capture', () => {
  wireTest.each([
    ['IPv4', '127.0.0.1', 52],
    ['IPv6', '::1', 72],
  ])('over TCP and %s are those that nftables counts, to the byte', async (_version, host, headerBytes) => {
    const counters = new ByteCounters({ counts: 'packets', cgroup: group })
    await transfer(tcp(host), (said) => {
      const all = read(counters)
      expect(sumOf(all)).toEqual(countedByNft())
      // The client sent its payload, a header of IP and TCP with time stamps a packet, and 8 more bytes in its SYN.
      const client = all.find(({ localPort }) => localPort === Number(said)) as SocketBytes
      const more = client.sentBytes - (PAYLOAD + client.sentPackets * headerBytes + 8)
      expect(more).toBeGreaterThanOrEqual(0)
      // Over IPv6 each packet beyond 64 KB has a jumbo header (RFC 2675): the kernel segments late. What a busy machine
      // sends twice is counted twice, here as by nftables.
      if (resentSegments() === 0)
        expect(more).toBeLessThanOrEqual(host === '::1' ? client.sentPackets * 8 : 0)
      process.stdout.write(
        `${PAYLOAD} bytes sent: ${client.sentBytes} counted, ${client.sentPackets} packets\n`,
      )
    })
    counters.close()
  })

  wireTest('over UDP are payload and headers', async () => {
    const counters = new ByteCounters({ counts: 'packets', cgroup: group })
    await transfer(udp, (said) => {
      const all = read(counters)
      expect(sumOf(all)).toEqual(countedByNft())
      expect(all.find(({ localPort }) => localPort === Number(said))).toMatchObject({
        sentBytes: DATAGRAMS * (DATAGRAM_BYTES + 28),
        sentPackets: DATAGRAMS,
        protocol: 17,
      })
    })
    counters.close()
  })

  wireTest('are not lost when there is no room for a socket, nor when its counters are taken', async () => {
    const counters = new ByteCounters({ counts: 'packets', cgroup: group, sockets: 1 })
    await transfer(tcp('127.0.0.1'), () => {
      const cookies = counters.cookies()
      expect(cookies).toHaveLength(2)
      const taken = cookies.map((cookie) => counters.take(cookie) as SocketBytes)
      expect(read(counters)).toEqual([])
      expect(counters.overflow().receivedBytes).toBeGreaterThan(0)
      expect(sumOf([...taken, counters.overflow()])).toEqual(countedByNft())
    })
    counters.close()
  })

  wireTest('say in which network namespace the socket is', async () => {
    const counters = new ByteCounters({ counts: 'packets', cgroup: group })
    await transfer(tcp('127.0.0.1'), () => {
      const ours = execFileSync(
        'ip',
        ['netns', 'exec', namespace, 'stat', '-Lc', '%i', '/proc/self/ns/net'],
        { encoding: 'utf8' },
      )
      expect(new Set(read(counters).map(({ netns }) => netns))).toEqual(new Set([Number(ours)]))
    })
    counters.close()
  })
})

describe('the bytes of messages of each socket, without any capture', () => {
  /** Of all sockets of this machine those in our namespace. */
  const ours = (counters: ByteCounters): SocketBytes[] => {
    const stat = ['stat', '-Lc', '%i', '/proc/self/ns/net']
    const netns = Number(execFileSync('ip', ['netns', 'exec', namespace, ...stat], { encoding: 'utf8' }))
    return read(counters).filter((socket) => socket.netns === netns)
  }

  wireTest.each([
    ['IPv4', '127.0.0.1'],
    ['IPv6', '::1'],
  ])('over TCP and %s are what both ends wrote and read', async (_version, host) => {
    const counters = new ByteCounters({ counts: 'messages' })
    try {
      await transfer(tcp(host), (said) => {
        const all = ours(counters)
        expect(all).toHaveLength(2)
        expect(all.find(({ localPort }) => localPort === Number(said))).toMatchObject({
          sentBytes: PAYLOAD,
          receivedBytes: SENT_BACK,
          protocol: 6,
        })
        expect(all.find(({ localPort }) => localPort !== Number(said))).toMatchObject({
          sentBytes: SENT_BACK,
          receivedBytes: PAYLOAD,
          protocol: 6,
        })
      })
    } finally {
      counters.close()
    }
  })

  wireTest('over UDP are those of its datagrams, each a message', async () => {
    const counters = new ByteCounters({ counts: 'messages' })
    try {
      await transfer(udp, (said) => {
        const all = ours(counters)
        expect(all).toHaveLength(2)
        const sent = { sentBytes: DATAGRAMS * DATAGRAM_BYTES, sentPackets: DATAGRAMS, receivedBytes: 0 }
        expect(all.find(({ localPort }) => localPort === Number(said))).toMatchObject({
          ...sent,
          protocol: 17,
        })
        const received = { receivedBytes: DATAGRAMS * DATAGRAM_BYTES, receivedPackets: DATAGRAMS }
        expect(all.find(({ localPort }) => localPort !== Number(said))).toMatchObject(received)
      })
    } finally {
      counters.close()
    }
  })

  compiledTest('what was only looked at, failed, or went to no IP socket is not counted', async () => {
    await withProgram(PEEKING, async (program) => {
      const counters = new ByteCounters({ counts: 'messages' })
      try {
        await transfer([program], () => {
          expect(ours(counters)).toMatchObject([
            { sentBytes: 5, sentPackets: 1, receivedBytes: 5, receivedPackets: 1 },
          ])
        })
      } finally {
        counters.close()
      }
    })
  })

  compiledTest('what sendfile(2) and splice(2) put into a socket and take out of it is counted', async () => {
    await withProgram(readFileSync(SPLICING, 'utf8'), async (program) => {
      const counters = new ByteCounters({ counts: 'messages' })
      try {
        await transfer([program], (said) => {
          expect(Number(said)).toBe(PAYLOAD)
          const all = ours(counters).map(({ sentBytes, receivedBytes }) => [sentBytes, receivedBytes])
          expect(all.sort(([a = 0], [b = 0]) => a - b)).toEqual([
            [SENT_BACK, PAYLOAD],
            [PAYLOAD, SENT_BACK],
          ])
        })
      } finally {
        counters.close()
      }
    })
  })

  wireTest('of a socket that was silent, or there before us, only what is new is counted', async () => {
    let got = 0
    const server = createServer((socket) => {
      socket.on('data', (bytes: Buffer) => {
        got += bytes.length
      })
    })
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const { port } = server.address() as AddressInfo
    const counting = new ByteCounters({ counts: 'messages' })
    const counted: ByteCounters[] = [counting]
    const client = connect(port, '127.0.0.1')
    const send = async (bytes: number): Promise<void> => {
      const all = got + bytes
      client.write(Buffer.alloc(bytes))
      await expect.poll(() => got, { timeout: 20_000 }).toBe(all)
    }
    const received = (counters: ByteCounters): number =>
      read(counters).reduce((sum, one) => sum + (one.localPort === port ? one.receivedBytes : 0), 0)
    try {
      await send(PAYLOAD)
      expect(received(counting)).toBe(PAYLOAD)
      for (const cookie of counting.cookies()) counting.take(cookie)
      counted.push(new ByteCounters({ counts: 'messages', before: takenSoFar() }))
      await send(SENT_BACK)
      await send(SENT_BACK)
      expect(counted.map(received)).toEqual([2 * SENT_BACK, 2 * SENT_BACK])
    } finally {
      for (const counters of counted) counters.close()
      client.destroy()
      server.close()
    }
  })
})

describe.each(['messages', 'packets'] as const)('the bytes of each program, by %s', (countBytes) => {
  wireTest('who connects and who listens, also when it is over and when it was there before us', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'gh-bytes-'))
    const [client, server, early] = ['client', 'server', 'early'].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ]
    for (const path of [client, server, early]) copyFileSync(process.execPath, path)
    const listen = `require('net').createServer((s) => { s.resume(); s.on('error', () => {}) }).listen(0, '127.0.0.1', function () { console.log(this.address().port) })`
    const sink = spawn(server, ['-e', listen], { stdio: ['ignore', 'pipe', 'inherit'] })
    const [said] = (await once(sink.stdout, 'data')) as [Buffer]
    const send = `const s = require('net').connect(${said}, '127.0.0.1'); s.write(Buffer.alloc(${PAYLOAD}))`
    // Connected before we look, and sends after that.
    const late = spawn(
      early,
      ['-e', `${send}; process.stdin.on('data', () => s.write(Buffer.alloc(${SENT_BACK})))`],
      {
        stdio: ['pipe', 'ignore', 'inherit'],
      },
    )
    await pause(500)
    const owners = startOwners({ sources: ['ebpf', 'scan'], countBytes })
    try {
      await owners.programBytes()
      late.stdin.write('x')
      execFileSync(client, ['-e', `${send}; s.end(); s.resume()`])
      await pause(700)
      const sums = await untilCounted(async () => {
        const { source, programs = [] } = (await owners.programBytes()) ?? {}
        expect(source).toBe(countBytes)
        const of = (path: string) => programs.find(({ program }) => program === path)
        const all = { client: of(client), server: of(server), early: of(early) }
        const isAll = all.client && all.early && (all.server?.receivedBytes ?? 0) > PAYLOAD
        return isAll ? all : undefined
      })
      const within = (bytes: number, payload: number): void => {
        expect(bytes).toBeGreaterThanOrEqual(payload)
        expect(bytes).toBeLessThan(payload * 1.02)
      }
      within(sums.client?.sentBytes as number, PAYLOAD)
      within(sums.early?.sentBytes as number, SENT_BACK)
      within(sums.server?.receivedBytes as number, PAYLOAD + SENT_BACK)
      process.stdout.write(`by program: ${JSON.stringify(sums)}\n`)
    } finally {
      await owners.stop()
      sink.kill()
      late.kill()
      rmSync(folder, { recursive: true })
    }
  })
})

/** Sockets from before are looked for every five seconds. */
async function untilCounted<Sums>(ask: () => Promise<Sums | undefined>): Promise<Sums> {
  const end = performance.now() + 15_000
  for (;;) {
    const sums = await ask()
    if (sums) return sums
    if (performance.now() > end) throw new Error('not all programs were found within 15 s')
    await pause(600)
  }
}
