import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { loadavg } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Alert, Page, Status } from '#contract/schemas.ts'
import { createCoreClient } from '../src/cli/client.ts'
import { removeFolder, startDaemon, type TestDaemon } from '../test/support/daemon.ts'
import { layLan, type NamespaceHost } from '../test/support/namespaces.ts'
import { findProgram, median, printBench, type Row } from './bench.ts'
import { hearElements } from './detection/hearing.ts'
import { layLoadWire } from './detection/load.ts'

export const title =
  'A SYN flood from forged sources at an open port, as many as two senders can, against the whole daemon'

/** How large the tables are, and for how long the flood lasts: by `scanAfterMs` every place of them is taken. */
interface Tables {
  readonly name: string
  readonly config: string
  readonly seconds: number
  readonly scanAfterMs: number
}

const TABLES: readonly Tables[] = [
  {
    ...{ name: 'usual tables', config: '', scanAfterMs: 12_000 },
    seconds: Number(process.env['GATEHOUSE_FLOOD_SECONDS'] ?? 24),
  },
  {
    name: 'smallest tables',
    config: 'capture:\n  maxFlows: 1024\n  maxHosts: 2048\n',
    ...{ seconds: 16, scanAfterMs: 4_000 },
  },
]
const CALL_PAUSE_MS = 100
const PAGE_PAUSE_MS = 250
const SENDERS = 2
const SERVICE = 80
const beside = (name: string): string => new URL(name, import.meta.url).pathname

interface Cast {
  readonly server: NamespaceHost
  readonly flooder: NamespaceHost
  readonly user: NamespaceHost
  readonly fast: NamespaceHost
  readonly slow: NamespaceHost
}

/** One scanner, and what came of it. */
interface Scan {
  readonly timing: '-T4' | '-T2'
  /** 0: never. */
  readonly blockedAfterMs: number
  readonly found: Alert | undefined
}

export async function run(): Promise<readonly Row[]> {
  const missing = ['nft', 'nmap'].filter((name) => findProgram(name) === undefined)
  if (process.getuid?.() !== 0 || missing.length > 0) {
    console.log(`  left out: needs root, nft and nmap`)
    return []
  }
  const rows: Row[] = []
  for (const tables of TABLES) rows.push(...(await amid(tables)))
  return rows
}

async function amid(tables: Tables): Promise<Row[]> {
  const lan = layLan([1, 2, 3, 4, 5])
  const [server, flooder, user, fast, slow] = lan.hosts as [
    NamespaceHost,
    NamespaceHost,
    NamespaceHost,
    NamespaceHost,
    NamespaceHost,
  ]
  let daemon: TestDaemon | undefined
  try {
    const service = server.start(process.execPath, beside('detection/services.ts'))
    await once(service.stdout as Readable, 'data')
    const wire = layLoadWire(server, flooder)
    daemon = await startDaemon({ namespace: server.namespace, hasPage: true, config: tables.config })
    return rowsOf(tables, await flood(tables, { server, flooder, user, fast, slow }, { daemon, wire }))
  } finally {
    await daemon?.stop()
    if (daemon) removeFolder(daemon.folder)
    lan.remove()
  }
}

async function flood(
  { seconds, scanAfterMs }: Tables,
  { server, user, fast, slow }: Cast,
  { daemon, wire }: { readonly daemon: TestDaemon; readonly wire: ReturnType<typeof layLoadWire> },
): Promise<Seen> {
  const core = createCoreClient([join(daemon.folder, 'run', 'api.sock')])
  const elements = await hearElements(server)
  const memory = watchMemory(daemon)
  const load = { shape: 'forged-syn', port: SERVICE, perSecond: 0, seconds } as const
  const sending = Promise.all(Array.from({ length: SENDERS }, () => wire.send(load)))
  await sleep(1_000)
  const calls = call(
    user,
    `http://${server.ip4}:${SERVICE}/page`,
    (seconds * 500) / CALL_PAUSE_MS,
    CALL_PAUSE_MS,
  )
  const pageUrl = `${new URL(daemon.link).origin}/login`
  const pages = call(server, pageUrl, (seconds * 500) / PAGE_PAUSE_MS, PAGE_PAUSE_MS)
  await sleep(scanAfterMs)
  const { counts } = await core.ask<Status>('GET', '/status')
  const scannedAt = process.hrtime.bigint()
  const scans = [scan(fast, '-T4', server), scan(slow, '-T2', server)]
  const sent = await sending
  for (const nmap of scans) nmap.kill('SIGTERM')
  const [called, paged] = [await calls, await pages]
  const status = await core.ask<Status>('GET', '/status')
  const alerts = (await core.ask<Page<Alert>>('GET', '/alerts?limit=500')).items
  const outcome = (host: NamespaceHost, timing: Scan['timing']): Scan => ({
    timing,
    blockedAfterMs: Number((elements.get(host.ip4) ?? scannedAt) - scannedAt) / 1e6,
    found: alerts.find(({ subject, detector }) => subject === host.ip4 && /-scan$/.test(detector)),
  })
  return {
    ...{ sent, called, paged, status, alerts, memory: memory(), counts },
    scans: [outcome(fast, '-T4'), outcome(slow, '-T2')],
    strangers: [...elements.keys()].filter((address) => ![fast.ip4, slow.ip4].includes(address)),
  }
}

const scan = (from: NamespaceHost, timing: Scan['timing'], server: NamespaceHost): ChildProcess =>
  from.start('nmap', '-n', '-Pn', '--disable-arp-ping', '-sS', timing, '-p', '1-1000', server.ip4)

interface Seen {
  readonly sent: readonly { readonly packets: number; readonly perSecond: number }[]
  readonly called: readonly (number | undefined)[]
  readonly paged: readonly (number | undefined)[]
  readonly status: Status
  readonly alerts: readonly Alert[]
  readonly memory: Memory
  /** Amid the flood, just before the scan. */
  readonly counts: Status['counts']
  readonly scans: readonly Scan[]
  readonly strangers: readonly string[]
}

function rowsOf({ name }: Tables, seen: Seen): Row[] {
  const { sent, called, paged, status, memory, strangers } = seen
  const row = (what: string, value: number, unit: string, note: string): Row => ({
    ...{ what: `${name}: ${what}`, who: 'gatehouse', value, unit, note },
    better: 'less',
  })
  const share = (answers: readonly (number | undefined)[]): number =>
    (100 * answers.filter((answer) => answer !== undefined).length) / answers.length
  const middle = (answers: readonly (number | undefined)[]): string =>
    `${median(answers.filter((answer) => answer !== undefined)).toFixed(0)} ms at the median`
  const offered = sent.reduce((sum, { perSecond }) => sum + perSecond, 0)
  const packets = sent.reduce((sum, sender) => sum + sender.packets, 0)
  const floods = seen.alerts.filter(({ detector, kind }) => detector === 'flood' && kind === 'syn')
  const refused = status.counts.refusedHosts + status.counts.refusedFlows
  const lost = status.interfaces.reduce((sum, { dropped }) => sum + dropped, 0)
  return [
    row('offered', offered, 'SYN/s', `${packets} in all, load ${loadavg()[0]?.toFixed(1)}`),
    row('not seen by the capture', lost, 'packets', 'of those, and of the answers to them'),
    row(
      'memory',
      memory.most,
      'MB',
      `at most; ${memory.before.toFixed(0)} MB before, ${memory.early.toFixed(0)} MB at most in the first two thirds`,
    ),
    row(
      'new connections of a user',
      share(called),
      '%',
      `${called.length} calls, ${middle(called)}; aim: 95 %`,
    ),
    row('answers of the page', share(paged), '%', `${paged.length} calls, ${middle(paged)}`),
    row('hosts in the table', seen.counts.hosts, 'hosts', `and ${seen.counts.flows} flows, before the scan`),
    row('refused by full tables', refused, 'times', `hosts and flows, all in all`),
    row('the flood', floods.length, 'alerts', floods[0]?.summary ?? 'it was not found'),
    ...seen.scans.map(({ timing, blockedAfterMs, found }) =>
      row(
        `nmap -sS ${timing} meanwhile is blocked after`,
        blockedAfterMs || Number.NaN,
        'ms',
        found ? `from its start; ${found.detector}: ${found.summary}` : 'it was not found',
      ),
    ),
    row('strangers blocked', strangers.length, 'addresses', strangers.slice(0, 3).join(' ') || 'aim: 0'),
  ]
}

/** How long each answer took; undefined: there was none. */
async function call(
  host: NamespaceHost,
  url: string,
  count: number,
  pauseMs: number,
): Promise<(number | undefined)[]> {
  const child = host.start(
    process.execPath,
    beside('detection/caller.ts'),
    url,
    String(count),
    String(pauseMs),
  )
  let words = ''
  child.stdout?.on('data', (bytes: Buffer) => (words += bytes))
  await once(child, 'close')
  return words
    .trim()
    .split(' ')
    .map((word) => (word === '-' ? undefined : Number(word)))
}

/** Of the core process, in megabytes. */
interface Memory {
  readonly before: number
  readonly most: number
  /** At most, in the first two thirds of the time. */
  readonly early: number
}

function watchMemory(daemon: TestDaemon): () => Memory {
  const read = (): number =>
    Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${daemon.process.pid}/status`, 'utf8'))?.[1]) / 1024
  const seen = [read()]
  const timer = setInterval(() => seen.push(read()), 250)
  return () => {
    clearInterval(timer)
    const early = seen.slice(0, Math.ceil((seen.length * 2) / 3))
    return { before: seen[0] as number, most: Math.max(...seen), early: Math.max(...early) }
  }
}

if (import.meta.main) await printBench({ title, run })
