import { createInterface } from 'node:readline'
import { afterEach, beforeEach, describe, expect } from 'vitest'
import type { Finding } from '#model/finding.ts'
import { layWire, type Wire } from '../support/namespaces.ts'
import { testWith } from '../support/needs.ts'
import { listen } from '../support/talkers.ts'
import type { WatchProbeLine } from '../support/watch-probe.ts'

/** nmap, a real one, against a watch at a real ring. The server's kernel refuses every port. */
const test = testWith('root', 'ip', 'nmap')
const script = new URL('../support/watch-probe.ts', import.meta.url).pathname

let wire: Wire
beforeEach(() => {
  wire = layWire()
})
afterEach(() => wire?.remove())

interface Watched {
  readonly findings: readonly Finding[]
  readonly latenciesMs: readonly number[]
}

/** Returns once the watch in the server's namespace is at its ring. */
async function startWatch(): Promise<Watched> {
  const child = wire.server.start(process.execPath, script)
  const findings: Finding[] = []
  const latenciesMs: number[] = []
  let errors = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    errors += text
  })
  await new Promise<void>((resolve, reject) => {
    child.on('exit', (code) => reject(new Error(`the watch ended with ${code}: ${errors}`)))
    if (!child.stdout) throw new Error('the watch has no output')
    createInterface(child.stdout).on('line', (text) => {
      const line = JSON.parse(text) as WatchProbeLine
      if (line.ready) resolve()
      if (line.finding) findings.push(line.finding)
      if (line.latencyMs !== undefined) latenciesMs.push(line.latencyMs)
    })
  })
  return { findings, latenciesMs }
}

const scan = (...args: string[]): string =>
  wire.client.run('nmap', '-n', '-Pn', '--disable-arp-ping', ...args, wire.server.ip4)

describe('nmap is found', () => {
  test.each([
    ['-sS', 'syn'],
    ['-sT', 'connect'],
    ['-sF', 'fin'],
    ['-sN', 'null'],
    ['-sX', 'xmas'],
    ['-sA', 'ack'],
    ['-sW', 'ack'],
    ['-sM', 'maimon'],
  ])('%s, as %s', async (option, kind) => {
    const { findings } = await startWatch()
    scan(option, '-T4', '-p', '1-200')
    await expect.poll(() => findings.length).toBeGreaterThan(0)
    expect(findings[0]).toMatchObject({
      ...{ detector: 'port-scan', kind, severity: 'high' },
      ...{ subject: wire.client.ip4, victim: wire.server.ip4 },
    })
    expect(findings.map(({ subject }) => subject)).not.toContain(wire.server.ip4)
  })

  test('-sU, as udp, though the kernel says no once a second only', async () => {
    const { findings } = await startWatch()
    scan('-sU', '-T4', '--top-ports', '40', '--max-retries', '1', '--host-timeout', '15s')
    await expect.poll(() => findings.length).toBeGreaterThan(0)
    expect(findings[0]).toMatchObject({ detector: 'port-scan', kind: 'udp', subject: wire.client.ip4 })
  })

  test('-sS over IPv6', async () => {
    const { findings } = await startWatch()
    wire.client.run('nmap', '-6', '-n', '-Pn', '-sS', '-T4', '-p', '1-100', wire.server.ip6)
    await expect.poll(() => findings.length).toBeGreaterThan(0)
    expect(findings[0]).toMatchObject({ kind: 'syn', subject: wire.client.ip6, victim: wire.server.ip6 })
  })

  test('-T4 over 1,000 ports, after 2 % of them at the most, and at once', async () => {
    const { findings, latenciesMs } = await startWatch()
    scan('-sS', '-T4')
    await expect.poll(() => findings.length).toBeGreaterThan(0)
    expect(findings[0]?.evidence.count).toBeLessThanOrEqual(20)
    const latency = latenciesMs[0] ?? Number.NaN
    process.stderr.write(
      `nmap -sS -T4: found after ${findings[0]?.evidence.count} ports, ${latency.toFixed(2)} ms after the last of them\n`,
    )
    expect(latency).toBeLessThan(3_000)
  })
})

describe('nmap is found by what else it can', () => {
  const told = ({ findings }: Watched, id: string) => findings.filter(({ detector }) => detector === id)
  test.each([
    ['-sY', 'sctp-scan', 'sctp-init'],
    ['-sZ', 'sctp-scan', 'sctp-cookie'],
    ['-sO', 'protocol-scan', 'ip-protocol'],
  ])('%s, as %s', async (option, id, kind) => {
    const watched = await startWatch()
    scan(option, '-T4', '-p', '1-100', '--max-retries', '0', '--host-timeout', '8s')
    await expect.poll(() => told(watched, id)).not.toEqual([])
    expect(told(watched, id)[0]).toMatchObject({
      ...{ kind, severity: 'high', subject: wire.client.ip4, victim: wire.server.ip4 },
    })
  })

  test('-f: fragments are put together', async () => {
    const watched = await startWatch()
    scan('-sS', '-f', '-T4', '-p', '1-100')
    await expect.poll(() => told(watched, 'port-scan')).not.toEqual([])
    expect(told(watched, 'port-scan')[0]).toMatchObject({ kind: 'syn', subject: wire.client.ip4 })
  })

  test('-O, of one open port and one that is closed', async () => {
    const watched = await startWatch()
    const port = String(await listen(wire.server))
    scan('-O', '--max-os-tries', '1', '-p', `${port},9`)
    await expect.poll(() => told(watched, 'os-fingerprint')).not.toEqual([])
    expect(told(watched, 'os-fingerprint')[0]).toMatchObject({
      subject: wire.client.ip4,
      victim: wire.server.ip4,
    })
  })

  test('-sV, of one open port', async () => {
    const watched = await startWatch()
    const port = String(await listen(wire.server))
    // It waits for an answer to each of its greetings, and gets none.
    wire.client.start('nmap', '-n', '-Pn', '--disable-arp-ping', '-sV', '-p', port, wire.server.ip4)
    await expect.poll(() => told(watched, 'version-probe'), { timeout: 45_000 }).not.toEqual([])
    expect(told(watched, 'version-probe')[0]).toMatchObject({ subject: wire.client.ip4, spoofable: false })
  })
})

test('an ordinary client beside it is not found: 60 connections, and a closed port again and again', async () => {
  const { findings } = await startWatch()
  const port = String(await listen(wire.server))
  wire.client.run(process.execPath, '--input-type=module', '-e', clientScript(wire.server.ip4, port))
  // The silence of a port is known after a second.
  await new Promise((resolve) => setTimeout(resolve, 2_500))
  expect(findings).toEqual([])
})

const clientScript = (server: string, port: string): string => `
  import { connect } from 'node:net'
  const once = (port) => new Promise((resolve) => {
    const socket = connect(port, '${server}', () => socket.end())
    socket.on('close', resolve).on('error', () => {})
  })
  await Promise.all(Array.from({ length: 60 }, () => once(${port})))
  for (let tries = 0; tries < 50; tries++) await once(9)
`
