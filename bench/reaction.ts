import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import type { DoctorCheck } from '#contract/schemas.ts'
import { type Said, said } from '#detect/self-test/frames.ts'
import { removeFolder, startDaemon, type TestDaemon, until } from '../test/support/daemon.ts'
import { layLan, type NamespaceHost } from '../test/support/namespaces.ts'
import { findProgram, printBench, type Row } from './bench.ts'
import { withChecksums } from './detection/checksums.ts'
import { sendingFrames } from './detection/stage.ts'

export const title =
  'Reaction: from the packet that is one too many (kernel time stamp) to the element in the kernel, whole daemon'

/** Each has an address of 198.51.100.0/24 (RFC 5737). */
const ATTACKERS = 250
const PORTS = 8
const PAUSE_MS = 25
const NOISE_PER_SECOND = 100_000
const CONFIG = 'respond:\n  blocksPerMinute: 100000\n'
const beside = (name: string): string => new URL(name, import.meta.url).pathname

interface Reaction {
  readonly p50: number
  readonly p99: number
  readonly blocks: number
}

export async function run(): Promise<readonly Row[]> {
  if (process.getuid?.() !== 0 || findProgram('nft') === undefined) {
    console.log('  left out: needs root and nft')
    return []
  }
  const idle = await measure(0)
  const busy = await measure(NOISE_PER_SECOND)
  return [
    ...rowsOf('idle', idle.reaction, 'aim: p99 5 ms'),
    ...rowsOf(`under ${busy.packetsPerSecond} packets/s`, busy.reaction, 'aim: p99 20 ms'),
  ]
}

const rowsOf = (what: string, { p50, p99, blocks }: Reaction, note: string): Row[] =>
  [
    ['p50', p50],
    ['p99', p99],
  ].map(([share, value]) => ({
    ...{ what: `${what}: ${share} of ${blocks} blocks`, who: 'gatehouse', value: Number(value) },
    ...{ unit: 'ms', better: 'less', note },
  }))

/** A new daemon; attackers one after another, each with a few closed ports. */
async function measure(noisePerSecond: number) {
  const lan = layLan([1, 2, 3])
  const [server, attacker, noisy] = lan.hosts as [NamespaceHost, NamespaceHost, NamespaceHost]
  server.run('ip', 'route', 'add', 'default', 'via', attacker.ip4)
  const daemon = await startDaemon({ namespace: server.namespace, config: CONFIG })
  try {
    const noise = noisePerSecond > 0 ? makeNoise(noisy, server, noisePerSecond) : Promise.resolve(0)
    await sleep(1_000)
    await attack(attacker, server)
    await until('all are blocked', () => reactionOf(daemon).blocks >= ATTACKERS, 30_000)
    return { reaction: reactionOf(daemon), packetsPerSecond: await noise }
  } finally {
    await daemon.stop()
    removeFolder(daemon.folder)
    lan.remove()
  }
}

/** Answers how many packets a second it came to. */
async function makeNoise(from: NamespaceHost, to: NamespaceHost, perSecond: number): Promise<number> {
  const about = { from: `${from.ip4}:5`, to: `${to.ip4}:9`, protocol: 'udp', payload: 64 } as const
  const frame = withChecksums(ethernetTo(macOf(to), about))
  const seconds = 3 + (ATTACKERS * PAUSE_MS) / 1000
  const hex = Buffer.from(frame).toString('hex')
  const child = from.start(
    process.execPath,
    beside('detection/noise.ts'),
    from.link,
    hex,
    String(perSecond),
    String(seconds),
  )
  const [words] = (await once(child.stdout as Readable, 'data')) as [Buffer]
  return Number(words)
}

/** Each in the name of an address of its own that nobody has: a few SYNs at once, which the kernel refuses. */
async function attack(from: NamespaceHost, server: NamespaceHost): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-bench-'))
  const scans = Array.from({ length: ATTACKERS }, (_, n) =>
    Array.from({ length: PORTS }, (_, port) =>
      ethernetTo(macOf(server), {
        ...{ from: `198.51.100.${n + 1}:40000`, to: `${server.ip4}:${port + 1}`, flags: 'S', options: 4 },
      }),
    ),
  )
  const command = sendingFrames(from, scans, { file: join(folder, 'frames'), pauseMs: PAUSE_MS })
  await once(from.start('sh', '-c', `exec ${command}`), 'exit')
  rmSync(folder, { recursive: true })
}

const macOf = (host: NamespaceHost): number[] =>
  host
    .run('cat', `/sys/class/net/${host.link}/address`)
    .trim()
    .split(':')
    .map((byte) => Number.parseInt(byte, 16))

function ethernetTo(mac: readonly number[], about: Said): Uint8Array {
  const frame = said(about)
  frame.set(mac)
  return frame
}

function reactionOf(daemon: TestDaemon): Reaction {
  const finding = daemon.ask<DoctorCheck[]>('doctor').find(({ name }) => name === 'reaction')?.finding ?? ''
  const [, p50, p99, blocks] =
    /^([\d.]+) ms .* median, ([\d.]+) ms at the 99th percentile \(of (\d+)/.exec(finding) ?? []
  return { p50: Number(p50), p99: Number(p99), blocks: Number(blocks ?? 0) }
}

if (import.meta.main) await printBench({ title, run })
