import { createInterface } from 'node:readline'
import { afterEach, beforeEach, expect } from 'vitest'
import type { CaptureReport, FlowsReport } from '#model/capture-report.ts'
import type { FlowRecord } from '#model/flow.ts'
import type { LiveLine } from '../support/capture-live.ts'
import { layWire, type NamespaceHost, type Wire } from '../support/namespaces.ts'
import { testWith } from '../support/needs.ts'
import { listen } from '../support/talkers.ts'

const test = testWith('root', 'ip')
const support = (name: string): string => new URL(`../support/${name}`, import.meta.url).pathname

let wire: Wire
beforeEach(() => {
  wire = layWire()
})
afterEach(() => wire?.remove())

interface Live {
  readonly reports: readonly (readonly [report: CaptureReport, arrivedAt: number])[]
  /** Milliseconds that stopping took. */
  stop(): Promise<number>
}

async function startLive(host: NamespaceHost): Promise<Live> {
  const child = host.start(process.execPath, support('capture-live.ts'))
  const reports: [CaptureReport, number][] = []
  let stopped = (_: number): void => {}
  const end = new Promise<number>((resolve) => {
    stopped = resolve
  })
  if (!child.stdout) throw new Error('no output to read')
  createInterface({ input: child.stdout }).on('line', (text) => {
    const line = JSON.parse(text) as LiveLine
    if ('stopped' in line) stopped(line.stopped.afterMs)
    else reports.push([line.report, line.arrivedAt])
  })
  const isWatching = (): boolean => reports.some(([{ kind }]) => kind === 'flows')
  await expect.poll(isWatching, { timeout: 10_000 }).toBe(true)
  return {
    reports,
    stop() {
      child.kill('SIGTERM')
      return end
    },
  }
}

const flowsOf = (live: Live, which: 'changed' | 'ended'): FlowRecord[] =>
  live.reports.flatMap(([report]) => (report.kind === 'flows' ? report[which] : []))

const lastFlows = (live: Live): FlowsReport | undefined =>
  live.reports.map(([report]) => report).findLast((report) => report.kind === 'flows')

test('a connection is reported while it lives, and with its end when the thread stops', async () => {
  const live = await startLive(wire.server)
  const port = String(await listen(wire.server))
  wire.client.start(process.execPath, support('tcp-caller.ts'), wire.server.ip4, port)
  const isOurs = ({ targetPort }: FlowRecord): boolean => targetPort === Number(port)
  await expect
    .poll(() => flowsOf(live, 'changed').findLast(isOurs))
    .toMatchObject({ state: 'established', interfaceName: 'gh0', source: wire.client.ip4, protocol: 6 })
  const stopMs = await live.stop()
  expect(stopMs).toBeLessThan(5_000)
  expect(flowsOf(live, 'ended').filter(isOurs)).toMatchObject([{ ended: 'shutdown', state: 'established' }])
  const last = lastFlows(live)
  expect(last?.interfaces).toEqual([{ name: 'gh0', received: last?.counts.packets, dropped: 0 }])
})

testWith(
  'root',
  'ip',
  'nmap',
)('a scan is told within milliseconds of the packet that gave it away', async () => {
  const live = await startLive(wire.server)
  for (let scan = 1; scan <= 9; scan++) {
    const scanner = wire.client.ip4.replace(/\d+$/, String(100 + scan))
    wire.client.run('ip', 'addr', 'add', `${scanner}/24`, 'dev', 'gh0')
    wire.client.run(
      'nmap',
      '-sS',
      '-T4',
      '-n',
      '-Pn',
      '-e',
      'gh0',
      '-S',
      scanner,
      '-p1-1000',
      wire.server.ip4,
    )
  }
  await live.stop()
  const waits = live.reports.flatMap(([report, arrivedAt]) =>
    report.kind === 'finding' ? [arrivedAt - report.finding.at] : [],
  )
  const [first = Number.NaN] = waits
  const sorted = waits.toSorted((a, b) => a - b)
  const middle = sorted[sorted.length >> 1] ?? Number.NaN
  process.stdout.write(
    `packet to finding on the main thread: first ${first.toFixed(2)} ms, p50 ${middle.toFixed(2)} ms, max ${(sorted.at(-1) ?? 0).toFixed(2)} ms, of ${waits.length}\n`,
  )
  expect(
    live.reports.some(([report]) => report.kind === 'finding' && report.finding.detector === 'port-scan'),
  ).toBe(true)
  expect(middle).toBeLessThan(100)
  const last = lastFlows(live)
  expect(last?.interfaces[0]?.dropped).toBe(0)
})

testWith(
  'root',
  'ip',
  'hping3',
)('a flood of sources does not swamp the main thread', async () => {
  const live = await startLive(wire.server)
  const flood = ['timeout 1 hping3 -q --flood --rand-source -S -p 80 "$1"; true', 'flood', wire.server.ip4]
  wire.client.run('sh', '-c', ...flood)
  await live.stop()
  const last = lastFlows(live)
  // Four times as many and more where the machine has nothing else to do.
  expect(last?.counts.packets).toBeGreaterThan(5_000)
  expect(last?.interfaces).toEqual([{ name: 'gh0', received: last?.counts.packets, dropped: 0 }])
  const rounds = live.reports.filter(([report]) => report.kind === 'flows').length
  expect(flowsOf(live, 'changed').length).toBeLessThanOrEqual(100 * rounds)
  // Over two to three seconds at most 1,000 unanswered flows a round, four rounds a second.
  expect(flowsOf(live, 'changed').length).toBeLessThan(15_000)
  expect(flowsOf(live, 'ended').length).toBeLessThanOrEqual(5_000)
})
