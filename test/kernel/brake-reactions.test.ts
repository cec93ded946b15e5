import { execFileSync } from 'node:child_process'
import { loadavg } from 'node:os'
import { afterEach, beforeEach, describe, expect } from 'vitest'
import type { Block, DoctorCheck } from '#contract/schemas.ts'
import { removeFolder, startDaemon, type TestDaemon } from '../support/daemon.ts'
import { layWire, type Wire } from '../support/namespaces.ts'
import { testWith } from '../support/needs.ts'

/** The whole product against many attackers: how soon each is shut out, and what each learnt. */
const test = testWith('root', 'ip', 'nft', 'nmap')
const ATTACKERS = 30
const PORTS = 1_000
const LEARNT_SHARE = 0.05
const MAX_P99_MS = 250

let wire: Wire
let daemon: TestDaemon | undefined

beforeEach(() => {
  wire = layWire()
})

afterEach(async () => {
  await daemon?.stop()
  if (daemon) removeFolder(daemon.folder)
  daemon = undefined
  wire.remove()
})

function addAttacker(at: number): string {
  const address = wire.client.ip4.replace(/\.2$/, `.${100 + at}`)
  execFileSync('ip', ['-n', wire.client.namespace, 'addr', 'add', `${address}/24`, 'dev', wire.client.link])
  return address
}

/** As fast as nmap can; answers how many ports it learnt the state of. */
function scanFrom(address: string): number {
  const pace = ['-T4', '--min-rate', '20000', '--max-retries', '0', '--max-rtt-timeout', '100ms']
  const from = ['-S', address, '-e', wire.client.link]
  const report = wire.client.run('nmap', '-n', '-Pn', '-sS', ...pace, ...from, wire.server.ip4)
  const listed = [...report.matchAll(/^\d+\/tcp +(?:closed|open) /gm)].length
  return listed + Number(/(\d+) closed tcp ports/.exec(report)?.[1] ?? 0)
}

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] as number

describe('attackers one after another', () => {
  test('are each shut out within milliseconds, and none learns 5 % of 1,000 ports', async () => {
    const guard = await startDaemon({ namespace: wire.server.namespace })
    daemon = guard
    const attackers = Array.from({ length: ATTACKERS }, (_, at) => addAttacker(at))
    const learnt = attackers.map(scanFrom)

    const finding = guard.ask<DoctorCheck[]>('doctor').find(({ name }) => name === 'reaction')?.finding ?? ''
    const [, p50, p99, blocks] =
      /^([\d.]+) ms .* median, ([\d.]+) ms at the 99th percentile \(of (\d+)/.exec(finding) ?? []
    process.stdout.write(
      `${ATTACKERS} attackers: reaction p50 ${p50} ms, p99 ${p99} ms; of ${PORTS} ports each learnt ` +
        `${median(learnt)} (median), ${Math.max(...learnt)} (most); load ${loadavg()[0]?.toFixed(1)}\n`,
    )
    expect(learnt.filter((ports) => ports > PORTS * LEARNT_SHARE)).toEqual([])
    expect(Number(blocks)).toBe(ATTACKERS)
    // The aim is 5 ms on a machine that is free; this one is shared.
    expect(Number(p99)).toBeLessThan(MAX_P99_MS)
    const shutOut = guard.ask<Block[]>('block', 'list').map(({ target }) => target as string)
    expect(shutOut.sort()).toEqual([...attackers].sort())
  })

  test('learn more only where the brake is switched off', async () => {
    daemon = await startDaemon({
      namespace: wire.server.namespace,
      config: 'enforce:\n  refusalsPerSecond: 0\nrespond:\n  blockFrom: never\n',
    })
    expect(wire.server.run('nft', 'list', 'table', 'inet', 'gatehouse')).not.toContain('refused')
    expect(scanFrom(addAttacker(0))).toBeGreaterThan(PORTS / 2)
  })
})

test('a rehearsal at the start leaves no trace', async () => {
  daemon = await startDaemon({ namespace: wire.server.namespace })
  expect(daemon.ask<Block[]>('block', 'list')).toEqual([])
  expect(daemon.ask<{ items: unknown[] }>('decisions').items).toEqual([])
  expect(daemon.ask<{ items: unknown[] }>('alerts').items).toEqual([])
  const table = wire.server.run('nft', 'list', 'table', 'inet', 'gatehouse')
  expect(table).not.toMatch(/192\.0\.2\.1|2001:db8::1/)
})
