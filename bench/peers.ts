import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { layLan, type NamespaceHost } from '../test/support/namespaces.ts'
import { findProgram, printBench, type Row } from './bench.ts'
import { framesTo } from './detection/load.ts'
import { sendingFrames } from './detection/stage.ts'
import { CONTENDERS, type Contender } from './peers/contenders.ts'

export const title =
  'Beside others that block: the same attacks, each in namespaces of its own, until the kernel is told'

const PORTS = 40
const DECOYS = [41, 42, 43, 44, 45]
/** How long each is waited for after an attack. */
const PATIENCE_MS = 12_000
const RETRIES = 30
const RETRY_MS = 400
const [SERVER, SCANNER, CLIENT, DECEIVER, HOLDER] = [1, 2, 3, 4, 5]
const OTHERS = ['suricata', 'snort', 'crowdsec']

interface Cast {
  readonly server: NamespaceHost
  readonly scanner: NamespaceHost
  readonly client: NamespaceHost
  readonly deceiver: NamespaceHost
  readonly holder: NamespaceHost
}

/** Address → when the kernel was told to turn it away: process.hrtime.bigint(). */
type Blocked = ReadonlyMap<string, bigint>

export async function run(): Promise<readonly Row[]> {
  if (process.getuid?.() !== 0 || findProgram('nft') === undefined) {
    console.log('  left out: needs root and nft')
    return []
  }
  const rows: Row[] = []
  for (const contender of CONTENDERS) {
    const missing = contender.programs.filter((program) => findProgram(program) === undefined)
    if (missing.length > 0) console.log(`  ${contender.name}: not installed (${missing.join(', ')})`)
    else rows.push(...(await compete(contender)))
  }
  for (const other of OTHERS) {
    console.log(
      `  ${other}: ${findProgram(other) === undefined ? 'not installed' : 'installed, and not set up by this bench'}`,
    )
  }
  return rows.toSorted((a, b) => WHATS.indexOf(a.what) - WHATS.indexOf(b.what))
}

const WHATS = [
  'port scan, to block',
  'innocents blocked of nmap -D',
  'client that retries a closed port',
  'slowloris, to block',
]

async function compete(contender: Contender): Promise<Row[]> {
  const lan = layLan([SERVER, SCANNER, CLIENT, DECEIVER, HOLDER])
  const [server, scanner, client, deceiver, holder] = lan.hosts as [
    NamespaceHost,
    NamespaceHost,
    NamespaceHost,
    NamespaceHost,
    NamespaceHost,
  ]
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-peers-'))
  let stop: (() => Promise<void>) | undefined
  try {
    const service = server.start(
      process.execPath,
      new URL('./detection/services.ts', import.meta.url).pathname,
    )
    await once(service.stdout as Readable, 'data')
    stop = await contender.start(server, folder)
    const blocked = await hearBlocks(server)
    return await attackAll(contender, { server, scanner, client, deceiver, holder }, { blocked, folder })
  } finally {
    await stop?.()
    endAllIn(server)
    lan.remove()
    rmSync(folder, { recursive: true, force: true })
  }
}

async function attackAll(
  { name, settings }: Contender,
  cast: Cast,
  { blocked, folder }: { readonly blocked: Blocked; readonly folder: string },
): Promise<Row[]> {
  const { server, scanner, client, deceiver, holder } = cast
  const row = (what: string, value: number, unit: string, note = ''): Row => ({
    ...{ what, who: name, value, unit, note },
    better: 'less',
  })
  const retried = await retryClosedPort(client, server)
  await sleep(2_000)
  const wasBlamed = blocked.has(client.ip4)
  const sentAt = await scan({ from: scanner, server, names: [scanner.ip4], folder })
  await waitFor(() => blocked.has(scanner.ip4))
  const scanMs = since(sentAt, blocked.get(scanner.ip4))
  const borrowed = DECOYS.map((last) => server.ip4.replace(/\.\d+$/, `.${last}`))
  await scan({
    from: deceiver,
    server,
    names: [...borrowed.slice(0, 3), deceiver.ip4, ...borrowed.slice(3)],
    folder,
  })
  await waitFor(() => borrowed.every((address) => blocked.has(address)))
  const innocents = borrowed.filter((address) => blocked.has(address)).length
  const heldAt = process.hrtime.bigint()
  const isHeld = holdConnections(holder, server)
  if (isHeld) await waitFor(() => blocked.has(holder.ip4))
  return [
    row('port scan, to block', scanMs, 'ms', `${settings}; load ${loadavg()[0]?.toFixed(1)}`),
    row(
      'innocents blocked of nmap -D',
      innocents,
      'of 5',
      blocked.has(deceiver.ip4) ? 'and the scanner' : 'not the scanner',
    ),
    row('client that retries a closed port', wasBlamed ? 1 : 0, 'blocked', `${retried} tries`),
    ...(isHeld
      ? [row('slowloris, to block', since(heldAt, blocked.get(holder.ip4)), 'ms', '– is: not blocked')]
      : []),
  ]
}

const since = (from: bigint, to: bigint | undefined): number =>
  to === undefined ? Number.NaN : Number(to - from) / 1e6

/** The kernel tells of each rule and element; those that name an address and drop it are blocks, whoever made them. */
async function hearBlocks(server: NamespaceHost): Promise<Blocked> {
  const blocked = new Map<string, bigint>()
  const monitor = server.start('stdbuf', '-oL', 'nft', 'monitor', 'new')
  createInterface({ input: monitor.stdout as Readable }).on('line', (line) => {
    const at = process.hrtime.bigint()
    const [, address] =
      /^(?:add|insert) rule .*ip saddr ([0-9.]+)\b.*(?:drop|reject)/.exec(line) ??
      /^(?:add|create) element inet gatehouse blocked\S* \{ ([0-9.]+)/.exec(line) ??
      []
    if (address !== undefined && !blocked.has(address)) blocked.set(address, at)
  })
  await sleep(500)
  return blocked
}

interface Scan {
  readonly from: NamespaceHost
  readonly server: NamespaceHost
  /** Each port is tried in all of these names at once, as nmap -D does. */
  readonly names: readonly string[]
  readonly folder: string
}

/** A few ports a millisecond; answers when it began. */
async function scan({ from, server, names, folder }: Scan): Promise<bigint> {
  const frame = framesTo(server, { from })
  const frames = Array.from({ length: PORTS }, (_, port) =>
    names.map((name) =>
      frame({ from: `${name}:${45_000 + port}`, to: `${server.ip4}:${100 + port}`, flags: 'S', options: 4 }),
    ),
  )
  const command = sendingFrames(from, frames, { file: join(folder, 'frames'), pauseMs: 1 })
  const child = from.start('sh', '-c', `exec ${command}`)
  const lines = createInterface({ input: child.stdout as Readable })
  const [first] = (await once(lines, 'line')) as [string]
  return BigInt(first)
}

/** A program whose service is down: it tries again and again. */
async function retryClosedPort(client: NamespaceHost, server: NamespaceHost): Promise<number> {
  const script = `
    import { connect } from 'node:net'
    for (let n = 0; n < ${RETRIES}; n++) {
      connect(5432, '${server.ip4}').on('error', () => {})
      await new Promise((resolve) => setTimeout(resolve, ${RETRY_MS}))
    }
    process.exit()`
  await once(client.start(process.execPath, '--input-type=module', '-e', script), 'exit')
  return RETRIES
}

function holdConnections(holder: NamespaceHost, server: NamespaceHost): boolean {
  if (findProgram('slowhttptest') === undefined) return false
  const options = ['-c', '120', '-H', '-i', '3', '-r', '60', '-l', '12', '-u', `http://${server.ip4}/long`]
  holder.start('slowhttptest', ...options).stdout?.resume()
  return true
}

async function waitFor(is: () => boolean): Promise<void> {
  for (const endsAt = performance.now() + PATIENCE_MS; !is() && performance.now() < endsAt; ) await sleep(100)
}

/** Some go on by themselves: all in a namespace that we made. */
function endAllIn({ namespace }: NamespaceHost): void {
  const pids = execFileSync('ip', ['netns', 'pids', namespace], { encoding: 'utf8' }).split('\n')
  for (const pid of pids.filter(Boolean)) {
    try {
      process.kill(Number(pid), 'SIGKILL')
    } catch {
      // It ended meanwhile.
    }
  }
}

if (import.meta.main) await printBench({ title, run })
