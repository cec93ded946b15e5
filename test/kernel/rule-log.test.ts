import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { afterEach, beforeEach, describe, expect } from 'vitest'
import { type TestDaemon, until } from '../support/daemon.ts'
import type { Wire } from '../support/namespaces.ts'
import { testWith } from '../support/needs.ts'
import { layRuledServer, type RuledServer } from '../support/ruled-server.ts'

const test = testWith('root', 'ip', 'nft')
const support = (name: string): string => new URL(`../support/${name}`, import.meta.url).pathname

let served: RuledServer
let wire: Wire

beforeEach(async () => {
  served = await layRuledServer()
  wire = served.wire
})
afterEach(() => served.end())

const start = (rules: string, report: string): Promise<TestDaemon> =>
  served.start(rules, { config: `report: ${report}\n` })

const textOf = (name: string): string => {
  const path = join(served.folder, 'state', 'log', name)
  return existsSync(path) ? readFileSync(path, 'utf8') : ''
}
const lines = (name = 'firewall.log'): string[] => textOf(name).split('\n').filter(Boolean)

const callFrom = (host: Wire['server'], address: string, to: number): string =>
  host.run(process.execPath, support('tcp-caller.ts'), address, `${to}`, 'once').trim()

interface Drop {
  readonly event_type: string
  readonly src_ip: string
  readonly dest_port?: number
  readonly verdict: { readonly action: string }
  readonly gatehouse: { readonly rule: number; readonly rule_id: string; readonly program?: string }
}

const drops = (): Drop[] =>
  lines('eve.json')
    .map((line) => JSON.parse(line) as Drop)
    .filter(({ event_type }) => event_type === 'drop')

describe('what rules turn away or record', () => {
  test('is in firewall.log and eve.json with rule, reason and program, in both families', async () => {
    const { tell, ask } = await start(
      `
defaults: { inbound: deny }
rules:
  - { id: watched, action: audit, direction: in, protocol: tcp, port: ${served.port} }
  - { id: shop, action: allow, direction: in, protocol: tcp, port: ${served.port} }
  - { id: no-telnet, action: reject, direction: in, protocol: tcp, port: 23, comment: "no telnet \\e[31m here" }
  - { id: quiet, action: deny, direction: out, to: 10.0.0.0/8, protocol: tcp, port: 81 }
`,
      '{ eve: true }',
    )
    expect(callFrom(wire.client, wire.server.ip4, served.port)).toBe('open')
    expect(callFrom(wire.client, wire.server.ip6, 23)).toBe('failed ECONNREFUSED')
    expect(callFrom(wire.client, wire.server.ip4, 24)).toBe('failed TIMEOUT')
    expect(callFrom(wire.server, wire.client.ip4, 81)).toBe('failed TIMEOUT')
    await until('all of it is written', () => lines().some((line) => line.includes('id=quiet')))

    const { ip4, ip6 } = wire.client
    const line = (id: string): string => lines().find((each) => each.includes(` id=${id} `)) ?? 'no line'
    expect(line('watched')).toMatch(
      new RegExp(
        `AUDIT inbound rule=1 id=watched proto=tcp src=${ip4} sport=\\d+ dst=.* dport=${served.port} flags=syn`,
      ),
    )
    expect(line('no-telnet')).toMatch(
      new RegExp(`REJECT inbound rule=3 id=no-telnet proto=tcp src=${ip6} .* dport=23 .* in=gh0`),
    )
    // The comment's escape is text, not a colour.
    expect(line('no-telnet')).toContain('reason="no telnet \\u001b[31m here"')
    expect(line('default-inbound')).toMatch(
      /DENY inbound rule=0 .* dport=24 .*no rule decided: inbound is deny/,
    )
    expect(line('quiet')).toContain(`program=${process.execPath}`)
    expect(textOf('firewall.log')).not.toContain('id=shop')

    await until('the events are written', () =>
      drops().some(({ gatehouse }) => gatehouse.rule_id === 'quiet'),
    )
    const drop = (id: string): Drop | undefined => drops().find(({ gatehouse }) => gatehouse.rule_id === id)
    expect(drop('no-telnet')).toMatchObject({ src_ip: ip6, dest_port: 23, verdict: { action: 'drop' } })
    expect(drop('watched')?.verdict).toEqual({ action: 'alert' })
    expect(drop('quiet')?.gatehouse).toMatchObject({ rule: 4, program: process.execPath })
    await until('the flow is written', () => textOf('eve.json').includes('"event_type":"flow"'), 30_000)

    const { packets } = ask<{ packets: { text: string }[] }>('rule', 'log', '--lines', '1')
    expect(packets.map(({ text }) => text)).toEqual([lines().at(-1)])
    expect(tell('rule', 'log')).toContain(`All of it: ${join(served.folder, 'state', 'log', 'firewall.log')}`)
  })

  test('is bounded in a flood, and the rest is counted', { timeout: 180_000 }, async () => {
    const { ask } = await start(
      `rules:\n  - { id: flooded, action: deny, direction: in, protocol: udp, port: 9 }\n`,
      // Whoever floods would be blocked before all of it was sent.
      `{ packetsPerSecond: 40 }\nallow: [${wire.client.ip4}]`,
    )
    const began = performance.now()
    wire.client.run(process.execPath, support('udp-sender.ts'), wire.server.ip4, '9', 'flood', '100000')
    const counted = (): number =>
      ask<{ rules: { id: string; packets: number }[] }>('rule', 'list').rules.find(
        ({ id }) => id === 'flooded',
      )?.packets ?? 0
    const written = (): number => lines().filter((line) => line.includes(' id=flooded ')).length
    const more = (): number =>
      lines().reduce((sum, line) => sum + Number(/ MORE packets=(\d+)/.exec(line)?.[1] ?? 0), 0)
    await until(
      'each packet is written or counted',
      () => counted() > 50_000 && written() + more() === counted(),
      90_000,
    )
    const seconds = (performance.now() - began) / 1000
    // A quarter of 40 a second for one rule, with twice that at once.
    expect(written()).toBeGreaterThanOrEqual(10)
    expect(written()).toBeLessThanOrEqual(20 + 10 * Math.ceil(seconds))
    expect(lines().filter((line) => line.includes(' MORE ')).length).toBeLessThanOrEqual(
      Math.ceil(seconds) + 1,
    )
    process.stdout.write(
      `${counted()} packets: ${written()} lines, ${more()} only counted, ${seconds.toFixed(1)} s\n`,
    )
  })

  test('is not written when nobody wants it, and a group that another program has is said', async () => {
    const holder = wire.server.start(process.execPath, support('nflog-holder.ts'), '71')
    await once(holder.stdout as Readable, 'data')
    const { tell } = await start('defaults: { inbound: deny }', '{}')
    expect(tell('status')).toContain('another program listens to the NFLOG group')
    expect(callFrom(wire.client, wire.server.ip4, served.port)).toBe('failed TIMEOUT')
    await served.daemon?.stop()
    await start('defaults: { inbound: deny }', '{ firewallLog: false }')
    expect(wire.server.run('nft', 'list', 'table', 'inet', 'gatehouse_rules')).not.toContain('log prefix')
  })
})
