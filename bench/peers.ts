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
import { type LoadWire, layLoadWire } from './detection/load.ts'
import { floodForged, holdConnections, neighbour, retryClosedPort, scan, shareOut } from './peers/attacks.ts'
import type { Contender, Running } from './peers/contender.ts'
import { CONTENDERS } from './peers/contenders.ts'

export const title =
  'Beside others that block: the same attacks, each in namespaces of its own, until the kernel is told'

const DECOYS = [41, 42, 43, 44, 45]
/** How long each is waited for after an attack. */
const PATIENCE_MS = 12_000
/** In the order of their addresses. */
const HOSTS = ['server', 'scanner', 'client', 'deceiver', 'holder', 'sharer', 'flooder'] as const
/** `GATEHOUSE_PEERS=gatehouse,psad`: those alone. */
const WANTED = process.env['GATEHOUSE_PEERS']?.split(',')
/** They find attacks, but what they block is up to others: this bench does not set them up. */
const OTHERS = ['suricata', 'snort']

const [OURS] = CONTENDERS

const WHATS = [
  'port scan, to block',
  'from the port that is enough, to block',
  'innocents blocked of nmap -D',
  'client that retries a closed port',
  'slowloris, to block',
  'forged SYN flood at an open port',
  'strangers blocked for that flood',
  '20 sources × 5 ports as one campaign',
] as const
type What = (typeof WHATS)[number]

const FLOOD_WORDS = /flood|denial.of.service|\bd?dos\b/i
const CAMPAIGN_WORDS = /distributed|campaign|coordinated|share out/i

type Cast = Readonly<Record<(typeof HOSTS)[number], NamespaceHost>>

/** Address → when the kernel was told to turn it away: process.hrtime.bigint(). */
type Blocked = ReadonlyMap<string, bigint>

/** One contender at work. */
interface Stage {
  readonly contender: Contender
  readonly running: Running
  readonly cast: Cast
  readonly wire: LoadWire
  readonly blocked: Blocked
  readonly folder: string
}

/** Exit code 1 when Gatehouse does not tell what it has to. */
export async function run(): Promise<readonly Row[]> {
  if (process.getuid?.() !== 0 || findProgram('nft') === undefined) {
    console.log('  left out: needs root and nft')
    return []
  }
  const rows: Row[] = []
  for (const contender of CONTENDERS.filter(({ name }) => WANTED?.includes(name) ?? true)) {
    const missing = contender.programs.filter((program) => findProgram(program) === undefined)
    if (missing.length > 0) leaveOut(contender.name, `not installed: ${missing.join(', ')}`)
    else rows.push(...(await compete(contender)))
  }
  console.log(
    '  the log that others read has no line of the web server: firewalls log what they do not let in',
  )
  for (const other of OTHERS)
    leaveOut(other, findProgram(other) ? 'installed, and not set up by this bench' : 'not installed')
  for (const { what } of rows.filter(isSilence)) {
    console.log(`  NOT TOLD by ${OURS?.name}: ${what}`)
    process.exitCode = 1
  }
  return rows.toSorted((a, b) => WHATS.indexOf(a.what as What) - WHATS.indexOf(b.what as What))
}

const isSilence = ({ who, unit, value }: Row): boolean => who === OURS?.name && unit === 'told' && value === 0

/** Who is not there is not beaten either. */
const leaveOut = (who: string, why: string): void => console.log(`  left out: ${who} (${why})`)

async function compete(contender: Contender): Promise<Row[]> {
  const lan = layLan(HOSTS.map((_, at) => at + 1))
  const cast = Object.fromEntries(HOSTS.map((name, at) => [name, lan.hosts[at]])) as Cast
  const { server, flooder } = cast
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-peers-'))
  let running: Running | undefined
  try {
    const service = server.start(
      process.execPath,
      new URL('./detection/services.ts', import.meta.url).pathname,
    )
    await once(service.stdout as Readable, 'data')
    const wire = layLoadWire(server, flooder)
    running = await begin(contender, server, folder)
    if (!running) return []
    const blocked = await hearBlocks(server)
    return await attackAll({ contender, running, cast, wire, blocked, folder })
  } finally {
    await running?.end()
    endAllIn(server)
    lan.remove()
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Nothing where another does not start here; ours has to. */
async function begin(
  contender: Contender,
  server: NamespaceHost,
  folder: string,
): Promise<Running | undefined> {
  try {
    return await contender.start(server, folder)
  } catch (error) {
    if (contender === OURS) throw error
    leaveOut(contender.name, `did not start: ${(error as Error).message.split('\n')[0]}`)
    return undefined
  }
}

/** Each attack after what those before it left behind. */
async function attackAll(stage: Stage): Promise<Row[]> {
  const countClient = await retry(stage)
  const scans = [...(await scanAlone(stage)), await scanWithDecoys(stage)]
  const countCampaign = await campaign(stage)
  const others = [...(await holdOpen(stage)), ...(await flood(stage))]
  return [...scans, ...others, countClient(), countCampaign()]
}

interface Figure {
  readonly value: number
  readonly unit: string
  readonly note: string
  readonly better?: Row['better']
}

const row = ({ contender }: Stage, what: What, { better = 'less', ...figure }: Figure): Row => ({
  ...{ what, who: contender.name, better },
  ...figure,
})

const fieldOf = ({ cast, folder }: Stage, from: keyof Cast) => ({
  ...{ from: cast[from], server: cast.server, folder },
})

/** Who is blocked is counted at the end: some take their time. */
async function retry(stage: Stage): Promise<() => Row> {
  const tries = await retryClosedPort(fieldOf(stage, 'client'))
  return () => {
    const value = stage.blocked.has(stage.cast.client.ip4) ? 1 : 0
    return row(stage, 'client that retries a closed port', { value, unit: 'blocked', note: `${tries} tries` })
  }
}

/** From the first packet, and from that which makes it enough: who is content with less is not quicker for it. */
async function scanAlone(stage: Stage): Promise<Row[]> {
  const { blocked, cast, contender } = stage
  const { ip4 } = cast.scanner
  const sentAt = await scan(fieldOf(stage, 'scanner'), [ip4])
  await waitFor(() => blocked.has(ip4))
  const note = `${contender.settings}; load ${loadavg()[0]?.toFixed(1)}`
  const after = (port: number): number => since(sentAt[port - 1] as bigint, blocked.get(ip4))
  return [
    row(stage, 'port scan, to block', { value: after(1), unit: 'ms', note }),
    row(stage, 'from the port that is enough, to block', {
      ...{ value: after(contender.enough), unit: 'ms', note: `port ${contender.enough} of the scan` },
    }),
  ]
}

async function scanWithDecoys(stage: Stage): Promise<Row> {
  const { blocked, cast } = stage
  const borrowed = DECOYS.map((last) => neighbour(cast.server, last))
  const { ip4 } = cast.deceiver
  await scan(fieldOf(stage, 'deceiver'), [...borrowed.slice(0, 3), ip4, ...borrowed.slice(3)])
  await waitFor(() => borrowed.every((address) => blocked.has(address)))
  return row(stage, 'innocents blocked of nmap -D', {
    value: borrowed.filter((address) => blocked.has(address)).length,
    unit: `of ${DECOYS.length}`,
    note: blocked.has(ip4) ? 'and the scanner' : 'not the scanner',
  })
}

/** Told at once, or late; who is blocked is counted at the end. */
async function campaign(stage: Stage): Promise<() => Row> {
  const hear = await listen(stage)
  const sources = await shareOut(fieldOf(stage, 'sharer'))
  const isOfMany = (words: string): boolean =>
    CAMPAIGN_WORDS.test(words) ||
    sources.filter((source) => words.split(/[^0-9.]/).includes(source)).length >= sources.length / 2
  const words = await hear(isOfMany)
  return () => {
    const blocked = sources.filter((source) => stage.blocked.has(source)).length
    return row(stage, '20 sources × 5 ports as one campaign', {
      ...{ value: words === undefined ? 0 : 1, unit: 'told', better: 'more' },
      note: `${blocked} of ${sources.length} blocked; ${quoted(words)}`,
    })
  }
}

async function holdOpen(stage: Stage): Promise<Row[]> {
  const { ip4 } = stage.cast.holder
  const heldAt = process.hrtime.bigint()
  if (!holdConnections(fieldOf(stage, 'holder'))) {
    leaveOut('slowloris', 'not installed: slowhttptest')
    return []
  }
  await waitFor(() => stage.blocked.has(ip4))
  const value = since(heldAt, stage.blocked.get(ip4))
  return [row(stage, 'slowloris, to block', { value, unit: 'ms', note: '– is: not blocked' })]
}

async function flood(stage: Stage): Promise<Row[]> {
  const hear = await listen(stage)
  const { packets } = await floodForged(stage.wire)
  const words = await hear((told) => FLOOD_WORDS.test(told))
  const net = stage.cast.server.ip4.replace(/\d+$/, '')
  const strangers = [...stage.blocked.keys()].filter((address) => !address.startsWith(net))
  return [
    row(stage, 'forged SYN flood at an open port', {
      ...{ value: words === undefined ? 0 : 1, unit: 'told', better: 'more', note: quoted(words) },
    }),
    row(stage, 'strangers blocked for that flood', {
      ...{ value: strangers.length, unit: 'addresses', note: `of ${packets} that were forged` },
    }),
  ]
}

const since = (from: bigint, to: bigint | undefined): number =>
  to === undefined ? Number.POSITIVE_INFINITY : Number(to - from) / 1e6

const quoted = (words: string | undefined): string =>
  words === undefined ? 'no word of it' : `“${words.slice(0, 110)}”`

/** The answer waits for new words of the contender that mean this. */
async function listen({ running }: Stage) {
  const before = new Set(await running.told())
  return async (isIt: (words: string) => boolean): Promise<string | undefined> => {
    let found: string | undefined
    await waitFor(async () => {
      found = (await running.told()).find((words) => !before.has(words) && isIt(words))
      return found !== undefined
    })
    return found
  }
}

/** The kernel tells of each rule and element; those that name an address and drop it are blocks, whoever made them. */
async function hearBlocks(server: NamespaceHost): Promise<Blocked> {
  const blocked = new Map<string, bigint>()
  const monitor = server.start('stdbuf', '-oL', 'nft', 'monitor', 'new')
  createInterface({ input: monitor.stdout as Readable }).on('line', (line) => {
    const at = process.hrtime.bigint()
    const [, addresses = ''] =
      /^(?:add|insert) rule .*ip saddr ([0-9.]+)\b.*(?:drop|reject)/.exec(line) ??
      /^(?:add|create) element \S+ \S+ (?:blocked|crowdsec-blacklists)\S* \{(.*)\}/.exec(line) ??
      []
    // Comments of elements name others too.
    for (const [address] of addresses.replaceAll(/"[^"]*"/g, '').matchAll(/\d+\.\d+\.\d+\.\d+/g))
      if (!blocked.has(address)) blocked.set(address, at)
  })
  await sleep(500)
  return blocked
}

async function waitFor(is: () => boolean | Promise<boolean>): Promise<void> {
  const endsAt = performance.now() + PATIENCE_MS
  while (!(await is()) && performance.now() < endsAt) await sleep(100)
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
