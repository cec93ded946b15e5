import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createEngine } from '#capture/engine.ts'
import { readCapture } from '#capture/sources/pcap.ts'
import { createDetection, loadDetectors } from '#detect/detection.ts'
import type { Detector } from '#detect/detector.ts'
import type { Finding } from '#model/finding.ts'
import { createWatch } from '../src/watch.ts'
import { printBench, type Row } from './bench.ts'
import { type Traffic, writeCapture } from './captures/generate.ts'

const PACKETS = 2_000_000
const ROUNDS = 4
const captures = new URL('../test/captures/', import.meta.url)

export const title = `Detectors: what each costs on ${PACKETS / 1e6} million generated packets (least of ${ROUNDS}: what else runs only adds), and how soon real scans are found`

export async function run(): Promise<readonly Row[]> {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-bench-'))
  try {
    return [...(await costs(folder, 'mix')), ...(await costs(folder, 'worst')), ...(await timesToFinding())]
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** CPU nanoseconds per packet that each detector adds to the engine. Rounds take turns, so that noise hits all alike. */
async function costs(folder: string, traffic: Traffic): Promise<Row[]> {
  const file = join(folder, `${traffic}.pcap`)
  writeCapture(file, traffic, PACKETS)
  const detectors = await loadDetectors()
  const sets = [[], ...detectors.map((detector) => [detector]), detectors]
  const times = sets.map((): number[] => [])
  for (let round = 0; round < ROUNDS; round++) {
    for (const [at, set] of sets.entries()) times[at]?.push(await nanosecondsPerPacket(file, set))
  }
  const engine = Math.min(...(times[0] ?? []))
  const row = (what: string, value: number): Row => ({
    ...{ what: `${traffic}: ${what}`, who: 'gatehouse', value, unit: 'ns per packet', better: 'less' },
  })
  const added = (at: number): number => Math.max(0, Math.min(...(times[at] ?? [])) - engine)
  return [
    row('file, decode, hosts, flows', engine),
    ...detectors.map(({ id }, at) => row(`+ ${id}`, added(at + 1))),
    row(`+ all ${detectors.length}`, added(sets.length - 1)),
  ]
}

async function nanosecondsPerPacket(file: string, detectors: readonly Detector<unknown>[]): Promise<number> {
  const engine = createEngine({ seed: 1 })
  engine.watch(createDetection(detectors, {}, engine, () => {}).watchers)
  const before = process.cpuUsage()
  const { packets } = await readCapture(file, engine)
  const { user, system } = process.cpuUsage(before)
  return ((user + system) * 1000) / packets
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

if (import.meta.main) await printBench({ title, run })
