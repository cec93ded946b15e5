import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { type Profiler, Session } from 'node:inspector/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { GCProfiler } from 'node:v8'
import { createEngine, type Engine } from '#capture/engine.ts'
import { readCapture } from '#capture/sources/pcap.ts'
import { createDetection, loadDetectors } from '#detect/detection.ts'
import type { Finding } from '#model/finding.ts'
import { createWatch } from '../src/watch.ts'
import { printBench, type Row } from './bench.ts'
import { feedFile, Pieces } from './captures/feed.ts'
import { type Traffic, writeCapture } from './captures/generate.ts'

const PACKETS = 2_000_000
const ROUNDS = 3
const PASSES = 2
/** A few milliseconds of work: short enough that some of several tries are not disturbed. */
const PIECE_BYTES = 4 << 20
const SAMPLE_MICROSECONDS = 100
const DISPATCH = 'telling them apart'
const captures = new URL('../test/captures/', import.meta.url)
const detectors = await loadDetectors()

export const title = `Detectors: what they cost on ${PACKETS / 1e6} million generated packets, in CPU time without reading (the least of ${ROUNDS * PASSES} for each piece of the mix, of ${PASSES} for the worst; who of them, by a profile), and how soon real scans are found`

export async function run(): Promise<readonly Row[]> {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-bench-'))
  try {
    const mix = writtenCapture(folder, 'mix')
    const { rows, cost } = together(mix, 'mix', ROUNDS)
    const worst = together(writtenCapture(folder, 'worst'), 'worst', 1)
    return [...rows, ...apart(mix, cost), ...worst.rows, ...(await timesToFinding())]
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function writtenCapture(folder: string, traffic: Traffic): string {
  const file = join(folder, `${traffic}.pcap`)
  writeCapture(file, traffic, PACKETS)
  return file
}

/** What a child measured: nanoseconds for each piece, and what was left in the heap. */
interface Passes {
  readonly pieces: readonly number[]
  readonly collections: number
  readonly heapBytes: number
}

/** The engine without and with all detectors. Rounds take turns, so that noise hits both alike. */
function together(file: string, traffic: Traffic, turns: number): { rows: Row[]; cost: number } {
  const rounds = Array.from({ length: turns }, () => ({
    without: inChild<Passes>('none', file),
    with: inChild<Passes>('all', file),
  }))
  const engine = leastOf(rounds.map(({ without }) => without)) / PACKETS
  const whole = leastOf(rounds.map((round) => round.with)) / PACKETS
  const quietest = (of: 'collections' | 'heapBytes'): number =>
    Math.min(...rounds.map((round) => round.with[of]))
  const row = (what: string, value: number, unit: string, better: Row['better'] = 'less'): Row => ({
    ...{ what: `${traffic}: ${what}`, who: 'gatehouse', value, unit, better },
  })
  const cost = Math.max(0, whole - engine)
  const rows = [
    row('decode, hosts, flows', engine, 'ns per packet'),
    row(`+ all ${detectors.length} detectors`, cost, 'ns per packet'),
    row('the whole engine', 1000 / whole, 'Mpps', 'more'),
    row('heap after the packets', quietest('heapBytes') / PACKETS, 'bytes per packet'),
    row('garbage collections meanwhile', quietest('collections'), 'times'),
  ]
  return { rows, cost }
}

function leastOf(rounds: readonly Passes[]): number {
  const [first] = rounds
  return (first?.pieces ?? [])
    .map((_, piece) => Math.min(...rounds.map(({ pieces }) => pieces[piece] ?? Number.NaN)))
    .reduce((sum, least) => sum + least, 0)
}

/** Who of the detectors the time went to: shares of what they cost together, by a profile of the thread. */
function apart(file: string, cost: number): Row[] {
  const times = inChild<Readonly<Record<string, number>>>('profile', file)
  const sum = Object.values(times).reduce((total, time) => total + time, 0)
  return [...detectors.map(({ id }) => id), DISPATCH].map((id) => ({
    ...{ what: `mix: of it ${id}`, who: 'gatehouse', unit: 'ns per packet', better: 'less' },
    value: sum === 0 ? 0 : (cost * (times[id] ?? 0)) / sum,
  }))
}

/** A process for each: code that V8 compiled for one would colour the next. `what`: `none`, `all` or `profile`. */
const inChild = <T>(what: string, file: string): T =>
  JSON.parse(execFileSync(process.execPath, [import.meta.filename, what, file], { encoding: 'utf8' }))

function engineWith(chosen: typeof detectors): Engine {
  const engine = createEngine({ seed: 1 })
  engine.watch(createDetection(chosen, {}, engine, () => {}).watchers)
  return engine
}

/** CPU nanoseconds of this process. Of one thread the kernel counts no finer than its ticks (getrusage(2)). */
function cpuOf(work: () => void): number {
  const before = process.cpuUsage()
  work()
  const { user, system } = process.cpuUsage(before)
  return (user + system) * 1000
}

function measure(file: string, chosen: typeof detectors): Passes {
  const least: number[] = []
  let last = { collections: 0, heapBytes: 0 }
  for (let pass = 0; pass < PASSES; pass++) {
    const engine = engineWith(chosen)
    const pieces = new Pieces(file, PIECE_BYTES)
    const collector = new GCProfiler()
    collector.start()
    const heapBefore = process.memoryUsage().heapUsed
    for (let piece = 0; pieces.next(); piece++) {
      const took = cpuOf(() => pieces.feed(engine))
      least[piece] = Math.min(least[piece] ?? Number.POSITIVE_INFINITY, took)
    }
    const heapBytes = process.memoryUsage().heapUsed - heapBefore
    last = { heapBytes, collections: collector.stop()?.statistics.length ?? 0 }
    pieces.close()
  }
  return { pieces: least, ...last }
}

/** Microseconds by detector, and of handing packets to them. What they call is theirs. */
async function profile(file: string): Promise<Record<string, number>> {
  const session = new Session()
  session.connect()
  await session.post('Profiler.enable')
  await session.post('Profiler.setSamplingInterval', { interval: SAMPLE_MICROSECONDS })
  // Unmeasured: the code is compiled. Engines are made before, for their tables take time too.
  const [first, ...others] = Array.from({ length: PASSES + 1 }, () => engineWith(detectors))
  if (first) feedFile(file, first)
  await session.post('Profiler.start')
  for (const engine of others) feedFile(file, engine)
  const { profile } = await session.post('Profiler.stop')
  session.disconnect()
  const owners = ownersOf(profile)
  const times: Record<string, number> = {}
  for (const [at, node] of (profile.samples ?? []).entries()) {
    const owner = owners.get(node)
    if (owner !== undefined) times[owner] = (times[owner] ?? 0) + (profile.timeDeltas?.[at] ?? 0)
  }
  return times
}

/** The detector below which each node of the call tree stands; callers come before whom they call. */
function ownersOf({ nodes }: Profiler.Profile): Map<number, string> {
  const owners = new Map<number, string>()
  for (const { id, callFrame, children = [] } of nodes) {
    const detector = /\/detectors\/([a-z0-9-]+)\.ts$/.exec(callFrame.url)?.[1]
    const dispatch = /\/(guard|packet-signs)\.ts$/.test(callFrame.url) ? DISPATCH : undefined
    const owner = detector ?? owners.get(id) ?? dispatch
    if (owner === undefined) continue
    owners.set(id, owner)
    for (const child of children) owners.set(child, owner)
  }
  return owners
}

/** From the labelled captures of real tools: what the attacker had tried, and the time since its first packet. */
async function timesToFinding(): Promise<Row[]> {
  const labels = JSON.parse(readFileSync(new URL('labels.json', captures), 'utf8')) as {
    readonly capture: string
    readonly detail: string
  }[]
  const rows = await Promise.all(labels.map(({ capture, detail }) => timeToFinding(capture, detail)))
  return rows.flat()
}

async function timeToFinding(capture: string, detail: string): Promise<Row[]> {
  const findings: Finding[] = []
  const { sink } = createWatch({ seed: 1, onFinding: (finding) => findings.push(finding) })
  await readCapture(new URL(capture, captures).pathname, sink)
  const finding = findings.find(({ severity }) => severity === 'high')
  if (!finding) return []
  const { evidence, detector, kind, at } = finding
  const row = (what: string, value: number, unit: string): Row => ({
    ...{ what: `${capture.replace('.pcap.gz', '')}: ${what}`, who: 'gatehouse', value, unit, better: 'less' },
    note: `${detector} ${kind}, of ${detail}`,
  })
  return [row('tried when found', evidence.count, 'tries'), row('found after', at - evidence.firstAt, 'ms')]
}

const measured = (what: string, file: string): Passes | Promise<Record<string, number>> =>
  what === 'profile' ? profile(file) : measure(file, what === 'all' ? detectors : [])

if (import.meta.main) {
  const [what, file] = process.argv.slice(2)
  if (what !== undefined && file !== undefined) console.log(JSON.stringify(await measured(what, file)))
  else await printBench({ title, run })
}
