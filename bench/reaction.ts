import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DoctorCheck } from '#contract/schemas.ts'
import { createCoreClient } from '../src/cli/client.ts'
import { removeFolder, startDaemon, type TestDaemon, until } from '../test/support/daemon.ts'
import { layLan, type NamespaceHost } from '../test/support/namespaces.ts'
import { findProgram, printBench, type Row } from './bench.ts'
import { hearElements } from './detection/hearing.ts'
import { framesTo, type Load, layLoadWire } from './detection/load.ts'
import { sendingFrames } from './detection/stage.ts'

export const title =
  'Reaction of the whole daemon: a port scan of 12 SYNs, until its sender is in the kernel set'

/**
 * Each has an address of 198.51.100.0/24 (RFC 5737), and ports and sequence numbers of its own: sources in step, or that number
 * alike, would be one scanner's decoys.
 */
const ATTACKERS = 250
const PORTS = 12
const FIRST_PORT = 10_000
const PAUSE_MS = 25
const CONFIG = 'respond:\n  blocksPerMinute: 100000\n'
const SERVICE = 80
const LONGEST_WAIT_MS = 15_000

interface Situation {
  readonly what: string
  readonly aimMs: number
  readonly load?: Pick<Load, 'shape' | 'port' | 'perSecond'>
}

const SITUATIONS: readonly Situation[] = [
  { what: 'idle', aimMs: 5 },
  { what: 'under UDP of one host', aimMs: 20, load: { shape: 'udp', port: 9, perSecond: 100_000 } },
  {
    what: 'under SYNs of forged sources',
    aimMs: 20,
    load: { shape: 'forged-syn', port: SERVICE, perSecond: 100_000 },
  },
]

export async function run(): Promise<readonly Row[]> {
  if (process.getuid?.() !== 0 || findProgram('nft') === undefined) {
    console.log('  left out: needs root and nft')
    return []
  }
  const rows: Row[] = []
  for (const situation of SITUATIONS) rows.push(...(await measure(situation)))
  return rows
}

/** A new daemon; attackers one after another. */
async function measure(situation: Situation): Promise<Row[]> {
  const lan = layLan([1, 2, 3])
  const [server, attacker, noisy] = lan.hosts as [NamespaceHost, NamespaceHost, NamespaceHost]
  let daemon: TestDaemon | undefined
  try {
    const wire = layLoadWire(server, noisy)
    server.run('ip', 'route', 'add', '198.51.100.0/24', 'via', attacker.ip4)
    server.start(process.execPath, '-e', `require('node:net').createServer().listen(${SERVICE})`)
    daemon = await startDaemon({ namespace: server.namespace, config: CONFIG })
    const elements = await hearElements(server)
    const seconds = 3 + (ATTACKERS * PAUSE_MS) / 1_000
    const load = situation.load && wire.send({ ...situation.load, seconds })
    const sentAt = await attack(attacker, server)
    await until('all are blocked', () => attackersIn(elements) >= ATTACKERS, LONGEST_WAIT_MS).catch(() => {})
    const reactions = [...sentAt].flatMap(([address, at]) => {
      const blockedAt = elements.get(address)
      return blockedAt === undefined ? [] : [Number(blockedAt - at) / 1e6]
    })
    const perSecond = (await load)?.perSecond
    const note = `load ${loadavg()[0]?.toFixed(1)}; from the packet's stamp to the answer of the kernel: ${await ownCount(daemon)}`
    return rowsOf({ ...situation, note, reactions, perSecond })
  } finally {
    await daemon?.stop()
    if (daemon) removeFolder(daemon.folder)
    lan.remove()
  }
}

interface Measured extends Situation {
  readonly note: string
  readonly reactions: readonly number[]
  readonly perSecond: number | undefined
}

function rowsOf({ what, aimMs, note, reactions, perSecond }: Measured): Row[] {
  const sorted = reactions.toSorted((a, b) => a - b)
  const at = (share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN
  const rate = perSecond === undefined ? '' : `, ${Math.round(perSecond)} packets/s`
  const rows: [string, number, string][] = [
    ['p50', at(0.5), note],
    ['p99', at(0.99), `aim: ${aimMs} ms`],
    ['longest', at(1), `${reactions.length} of ${ATTACKERS} blocked`],
  ]
  return rows.map(([share, value, words]) => ({
    ...{ what: `${what}${rate}: ${share}`, who: 'gatehouse', value, unit: 'ms', better: 'less', note: words },
  }))
}

const attackersIn = (elements: ReadonlyMap<string, bigint>): number =>
  [...elements.keys()].filter((address) => address.startsWith('198.51.100.')).length

/** Address → when its first packet was sent. */
async function attack(from: NamespaceHost, server: NamespaceHost): Promise<ReadonlyMap<string, bigint>> {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-bench-'))
  const addresses = Array.from({ length: ATTACKERS }, (_, n) => `198.51.100.${n + 1}`)
  const frame = framesTo(server)
  const scans = addresses.map((address, n) =>
    Array.from({ length: PORTS }, (_, port) => {
      const to = `${server.ip4}:${FIRST_PORT + n * PORTS + port}`
      return frame({
        from: `${address}:${40_000 + n}`,
        to,
        flags: 'S',
        sequence: 7_919 * (n + 1),
        options: 4,
      })
    }),
  )
  const command = sendingFrames(from, scans, { file: join(folder, 'frames'), pauseMs: PAUSE_MS })
  const child = from.start('sh', '-c', `exec ${command}`)
  let words = ''
  child.stdout?.on('data', (bytes: Buffer) => (words += bytes))
  await once(child, 'close')
  rmSync(folder, { recursive: true })
  const times = words.trim().split('\n').map(BigInt)
  return new Map(addresses.map((address, n) => [address, times[n] as bigint]))
}

async function ownCount(daemon: TestDaemon): Promise<string> {
  const core = createCoreClient([join(daemon.folder, 'run', 'api.sock')])
  const checks = await core.ask<DoctorCheck[]>('GET', '/doctor')
  return checks.find(({ name }) => name === 'reaction')?.finding ?? ''
}

if (import.meta.main) await printBench({ title, run })
