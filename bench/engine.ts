import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Fragments } from '#capture/decode/fragments.ts'
import { PacketDecoder } from '#capture/decode/packet.ts'
import { createEngine } from '#capture/engine.ts'
import type { FrameSink } from '#capture/source.ts'
import { createDetection, loadDetectors } from '#detect/detection.ts'
import { Packet } from '#model/packet.ts'
import { createWatch } from '../src/watch.ts'
import { findProgram, median, printBench, type Row, timeProgram } from './bench.ts'
import { feedFile } from './captures/feed.ts'
import { type Traffic, writeCapture } from './captures/generate.ts'

const PACKETS = 2_000_000
const detectors = await loadDetectors()
const RUNS = 7
/** Programs beside which we stand, and how each reads a capture to its end without printing it. */
const PEERS: readonly { readonly name: string; readonly note?: string; args(file: string): string[] }[] = [
  {
    name: 'tcpdump -w',
    note: 'copies records, decodes nothing',
    args: (file) => ['-nn', '-r', file, '-w', '/dev/null'],
  },
  { name: 'tcpdump -nn', args: (file) => ['-nn', '-r', file] },
  { name: 'tshark', args: (file) => ['-n', '-r', file, '-q', '-z', 'conv,tcp'] },
  {
    name: 'suricata',
    args: (file) => ['-r', file, '-l', tmpdir(), '-S', '/dev/null', '--runmode', 'single'],
  },
  { name: 'snort', args: (file) => ['-q', '-r', file] },
]

export const title = `Packet engine: ${PACKETS / 1e6} million generated packets, million packets per CPU second, reading the file included (median of ${RUNS})`

export async function run(): Promise<readonly Row[]> {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-bench-'))
  try {
    const rows: Row[] = []
    for (const traffic of ['mix', 'worst'] as const) rows.push(...measure(folder, traffic))
    return rows
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function measure(folder: string, traffic: Traffic): Row[] {
  const file = join(folder, `${traffic}.pcap`)
  writeCapture(file, traffic, PACKETS)
  const ours = (what: string, measured: Measured): Row => ({
    what: `${traffic}: ${what}`,
    who: 'gatehouse',
    value: inChild(measured, file),
    unit: 'Mpps',
    better: 'more',
  })
  const whole = ours('decode + hosts + flows + both scan detectors', 'scans')
  const rows = [
    ours('decode', 'decode'),
    ours('decode + hosts + flows', 'engine'),
    whole,
    ours('decode + hosts + flows + all detectors', 'watch'),
    ...PEERS.flatMap((peer) => peerRow(peer, file, whole.what)),
  ]
  if (traffic === 'worst') {
    rows.push({
      what: `resident after ${PACKETS / 1e6} million sources`,
      who: 'gatehouse',
      value: inChild('memory', file),
      unit: 'MB',
      better: 'less',
      note: 'whole process, detectors on',
    })
  }
  return rows
}

type Measured = 'decode' | 'engine' | 'scans' | 'watch' | 'memory'

/** A process for each figure: what one leaves behind (compiled code, garbage) must not colour the next. */
const inChild = (measured: Measured, file: string): number =>
  Number(execFileSync(process.execPath, [import.meta.filename, measured, file], { encoding: 'utf8' }))

function figureOf(measured: Measured, file: string): number {
  if (measured === 'memory') return residentAfter(file)
  const make = {
    decode: decodeAlone,
    engine: () => createEngine({ seed: 1 }),
    scans: scanDetectorsAlone,
    watch: () => createWatch({ seed: 1, onFinding: () => {} }).sink,
  }[measured]
  return median(Array.from({ length: RUNS }, () => rateOf(file, make())))
}

/** The two detectors of scans, without the others. */
function scanDetectorsAlone(): FrameSink {
  const engine = createEngine({ seed: 1 })
  const chosen = detectors.filter(({ id }) => id === 'port-scan' || id === 'host-sweep')
  engine.watch(createDetection(chosen, {}, engine, () => {}).watchers)
  return engine
}

function peerRow(peer: (typeof PEERS)[number], file: string, what: string): Row[] {
  const program = findProgram(peer.name.split(' ')[0] ?? peer.name)
  if (program === undefined) return []
  const { cpu } = timeProgram(program, peer.args(file))
  return [
    {
      what,
      who: peer.name,
      value: PACKETS / cpu / 1e6,
      unit: 'Mpps',
      better: 'more',
      note: peer.note ?? 'one run, its own start included',
    },
  ]
}

/** Million packets per CPU second (user and system) of one pass over a capture, reading included. */
function rateOf(file: string, sink: FrameSink): number {
  const before = process.cpuUsage()
  const packets = feedFile(file, sink)
  const { user, system } = process.cpuUsage(before)
  return packets / (user + system)
}

function decodeAlone(): FrameSink {
  const packet = new Packet()
  const decoder = new PacketDecoder(packet, new Fragments(1))
  return {
    frame(view, offset, captured, length, at, linkType, interfaceIndex, vlan) {
      packet.at = at
      packet.length = length
      packet.interfaceIndex = interfaceIndex
      packet.vlan = vlan
      decoder.decode(view, offset, captured, length, linkType)
    },
  }
}

/** Resident megabytes of this process once the engine saw the whole file. */
function residentAfter(file: string): number {
  const { engine } = createWatch({ seed: 1, onFinding: () => {} })
  feedFile(file, engine)
  if (engine.counts.refusedHosts > 0) throw new Error('the host table refused: this is not what we measure')
  return process.memoryUsage.rss() / 1e6
}

if (import.meta.main) {
  const [measured, file] = process.argv.slice(2)
  if (measured !== undefined && file !== undefined) console.log(figureOf(measured as Measured, file))
  else await printBench({ title, run })
}
