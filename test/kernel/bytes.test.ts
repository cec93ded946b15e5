import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, rmdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect } from 'vitest'
import { ByteCounters, type SocketBytes } from '#kernel/bpf/byte-counters.ts'
import { parseCgroupMount } from '#kernel/bpf/cgroup-root.ts'
import { testWith } from '../support/needs.ts'

const wireTest = testWith('root', 'ip', 'nft')
const PAYLOAD = 3_000_000
const SENT_BACK = 70_000
const DATAGRAMS = 500
const DATAGRAM_BYTES = 1_200
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

/** Runs a script in the namespace and the group; it says a line when all has been sent, and waits for its end. */
async function transfer(script: string, look: (said: string) => Promise<void> | void): Promise<void> {
  const shell = `echo $$ > ${group}/cgroup.procs && exec ip netns exec ${namespace} "$0" -e "$1"`
  const child = spawn('sh', ['-c', shell, process.execPath, script], { stdio: ['pipe', 'pipe', 'inherit'] })
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

const tcp = (host: string): string => `
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
  })`

const udp = `
  const dgram = require('dgram')
  process.stdin.on('end', () => process.exit()).resume()
  const [server, client] = [dgram.createSocket('udp4'), dgram.createSocket('udp4')]
  let got = 0
  const send = () => client.send(Buffer.alloc(${DATAGRAM_BYTES}), server.address().port, '127.0.0.1')
  server.on('message', () => { if (++got === ${DATAGRAMS}) console.log(client.address().port); else send() })
  server.bind(0, '127.0.0.1', send)`

function countedByNft(): { sent: number; received: number } {
  const text = execFileSync('ip', ['netns', 'exec', namespace, 'nft', 'list', 'counters'], {
    encoding: 'utf8',
  })
  const of = (name: string): number =>
    Number(new RegExp(`counter ${name} \\{\\s+packets \\d+ bytes (\\d+)`).exec(text)?.[1])
  return { sent: of('sent'), received: of('received') }
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
    const counters = new ByteCounters({ cgroup: group })
    await transfer(tcp(host), (said) => {
      const all = read(counters)
      expect(sumOf(all)).toEqual(countedByNft())
      // The client sent its payload, a header of IP and TCP with time stamps a packet, and 8 more bytes in its SYN.
      const client = all.find(({ localPort }) => localPort === Number(said)) as SocketBytes
      const more = client.sentBytes - (PAYLOAD + client.sentPackets * headerBytes + 8)
      // Over IPv6 each packet beyond 64 KB has a jumbo header (RFC 2675): the kernel segments late.
      expect(more % 8).toBe(0)
      expect(more).toBeLessThanOrEqual(host === '::1' ? client.sentPackets * 8 : 0)
      if (more === 0) expect(client.receivedBytes).toBe(SENT_BACK + client.receivedPackets * headerBytes + 8)
      process.stdout.write(
        `${PAYLOAD} bytes sent: ${client.sentBytes} counted, ${client.sentPackets} packets\n`,
      )
    })
    counters.close()
  })

  wireTest('over UDP are payload and headers', async () => {
    const counters = new ByteCounters({ cgroup: group })
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
    const counters = new ByteCounters({ cgroup: group, sockets: 1 })
    await transfer(tcp('127.0.0.1'), () => {
      const [cookie] = counters.cookies()
      const taken = counters.take(cookie as bigint) as SocketBytes
      expect(read(counters)).toEqual([])
      expect(sumOf([taken, counters.overflow()])).toEqual(countedByNft())
    })
    counters.close()
  })

  wireTest('say in which network namespace the socket is', async () => {
    const counters = new ByteCounters({ cgroup: group })
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
