import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import type { CaptureReport, FlowsReport } from '#model/capture-report.ts'
import type { LiveLine } from '../test/support/capture-live.ts'
import { ethernet, ipv4, udp } from '../test/support/frames.ts'
import { layWire, type NamespaceHost, type Wire } from '../test/support/namespaces.ts'
import { findProgram, printBench, type Row } from './bench.ts'

export const title = 'live capture over a veth pair, the sender as fast as it can'

const PACKETS = 1_000_000
const FLOOD_SECONDS = 3
const CLOCK_TICKS_PER_SECOND = 100
const support = (name: string): string => new URL(`../test/support/${name}`, import.meta.url).pathname

/** What a capturer saw of one load. */
interface Seen {
  readonly captured: number
  readonly dropped: number
  readonly cpuSeconds: number
}

interface Load {
  readonly what: string
  /** Sends and answers how many packets went out. */
  send(wire: Wire): number
}

type Capturer = (host: NamespaceHost, load: () => void) => Promise<Seen>

const oneFlow: Load = {
  what: 'one flow',
  send({ client }) {
    const frame = Buffer.from(ethernet(ipv4(udp(5, 9), { protocol: 17 }))).toString('hex')
    client.run(process.execPath, support('raw-sender.ts'), client.link, frame, String(PACKETS))
    return PACKETS
  },
}

const newFlows: Load = {
  what: 'each packet from a new source',
  send({ client, server }) {
    const script = 'timeout "$1" hping3 -q --flood --rand-source -S -p 80 "$2" 2>&1; true'
    const said = client.run('sh', '-c', script, 'flood', String(FLOOD_SECONDS), server.ip4)
    return Number(/(\d+) packets transmitted/.exec(said)?.[1])
  },
}

export async function run(): Promise<readonly Row[]> {
  if (process.getuid?.() !== 0 || findProgram('ip') === undefined) {
    console.log('  left out: needs root and ip (iproute2)')
    return []
  }
  const capturers: [string, Capturer][] = [['gatehouse (flows and detectors)', gatehouse]]
  const tcpdump = findProgram('tcpdump')
  if (tcpdump) {
    capturers.push(['tcpdump -w /dev/null', tcpdumpWith(tcpdump)])
    capturers.push(['tcpdump -B 16384 -w /dev/null', tcpdumpWith(tcpdump, '-B', '16384')])
  }
  const loads = findProgram('hping3') ? [oneFlow, newFlows] : [oneFlow]
  const rows: Row[] = []
  for (const load of loads) {
    for (const [who, capturer] of capturers) rows.push(...(await measure(load, who, capturer)))
  }
  return rows
}

async function measure(load: Load, who: string, capturer: Capturer): Promise<Row[]> {
  const wire = layWire()
  try {
    let sent = 0
    let seconds = 0
    const seen = await capturer(wire.server, () => {
      const started = performance.now()
      sent = load.send(wire)
      seconds = (performance.now() - started) / 1_000
    })
    const note = `${seen.dropped} of ${sent} dropped at ${Math.round(sent / seconds / 1_000)},000 packets/s`
    const millions = seen.captured / 1e6
    return [
      {
        what: load.what,
        who,
        value: 100 - (100 * seen.dropped) / sent,
        unit: '% kept',
        better: 'more',
        note,
      },
      { what: load.what, who, value: seen.cpuSeconds / millions, unit: 'CPU s/Mpkt', better: 'less' },
    ]
  } finally {
    wire.remove()
  }
}

async function gatehouse(host: NamespaceHost, load: () => void): Promise<Seen> {
  const child = host.start(process.execPath, support('capture-live.ts'), '{}', 'brief')
  const lines = createInterface({ input: stdoutOf(child) })
  let last: FlowsReport | undefined
  const take = (report: CaptureReport): void => {
    if (report.kind === 'flows') last = report
  }
  const isOver = new Promise<void>((resolve) => {
    lines.on('line', (text) => {
      const line = JSON.parse(text) as LiveLine
      if ('stopped' in line) resolve()
      else take(line.report)
    })
  })
  while (last === undefined) await sleep(50)
  const before = cpuSecondsOf(child)
  load()
  await sleep(1_000)
  const cpuSeconds = cpuSecondsOf(child) - before
  child.kill('SIGTERM')
  await isOver
  return { captured: last.counts.packets, dropped: last.interfaces[0]?.dropped ?? Number.NaN, cpuSeconds }
}

const tcpdumpWith =
  (program: string, ...options: string[]): Capturer =>
  async (host, load) => {
    const child = host.start(program, '-i', host.link, '-n', ...options, '-w', '/dev/null')
    let said = ''
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      said += text
    })
    while (!said.includes('listening on')) await sleep(50)
    const before = cpuSecondsOf(child)
    load()
    await sleep(1_000)
    const cpuSeconds = cpuSecondsOf(child) - before
    child.kill('SIGINT')
    await once(child, 'close')
    const count = (words: string): number => Number(new RegExp(`(\\d+) packets? ${words}`).exec(said)?.[1])
    return { captured: count('captured'), dropped: count('dropped by kernel'), cpuSeconds }
  }

function stdoutOf(child: ChildProcess): NodeJS.ReadableStream {
  if (!child.stdout) throw new Error('no output to read')
  return child.stdout
}

/** User and system time of a process so far (proc(5): fields 14 and 15, behind the name in brackets). */
function cpuSecondsOf(child: ChildProcess): number {
  const fields = readFileSync(`/proc/${child.pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS_PER_SECOND
}

if (import.meta.main) await printBench({ title, run })
