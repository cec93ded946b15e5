import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect } from 'vitest'
import { removeFolder, startDaemon, type TestDaemon, until } from '../support/daemon.ts'
import type { DnsServerSettings } from '../support/dns-server.ts'
import { layWire, type NamespaceHost, type Wire } from '../support/namespaces.ts'
import { testWith } from '../support/needs.ts'

/** A real daemon on a machine that asks a real DNS server, and calls whom it answered. */
const test = testWith('root', 'ip', 'nft')
const script = (name: string): string => fileURLToPath(new URL(`../support/${name}`, import.meta.url))

const RULES = `rules:
  - { id: ads, action: deny, direction: out, domain: .ads.example }
  - { id: shop, action: reject, direction: out, domain: shop.example }
`

let wire: Wire
let daemon: TestDaemon | undefined
let folder: string
let port: number
/** Addresses of the server, one for each name. */
let at: (last: number) => string

async function startReady(host: NamespaceHost, name: string, ...words: string[]): Promise<string> {
  const child: ChildProcess = host.start(process.execPath, script(name), ...words)
  const [said] = (await once(child.stdout as NodeJS.ReadableStream, 'data')) as [Buffer]
  return said.toString()
}

beforeEach(async () => {
  wire = layWire()
  folder = mkdtempSync(join(tmpdir(), 'gatehouse-domains-'))
  const { server } = wire
  at = (last) => server.ip4.replace(/\d+$/, `${last}`)
  for (const last of [50, 51, 52, 53]) server.run('ip', 'addr', 'add', `${at(last)}/24`, 'dev', server.link)
  const dns: DnsServerSettings = {
    listen: server.ip4,
    records: {
      'ads.example': at(50),
      'x.ads.example': 'edge.cdn.example',
      'edge.cdn.example': at(51),
      'news.example': at(51),
      'shop.example': at(52),
      'www.shop.example': at(53),
    },
  }
  await startReady(server, 'dns-server.ts', JSON.stringify(dns))
  port = Number(/\d+/.exec(await startReady(server, 'tcp-listener.ts'))?.[0])
})

afterEach(async () => {
  await daemon?.stop()
  daemon = undefined
  wire.remove()
  removeFolder(folder)
})

const rulesFile = (): string => join(folder, 'rules.yaml')

async function start(rules: string, config = ''): Promise<TestDaemon> {
  writeFileSync(rulesFile(), rules)
  daemon = await startDaemon({
    namespace: wire.client.namespace,
    folder,
    config,
    flags: ['--rules', rulesFile()],
  })
  return daemon
}

const ask = (name: string): string =>
  wire.client.run(process.execPath, script('dns-asker.ts'), wire.server.ip4, name)
const call = (last: number): string =>
  wire.client.run(process.execPath, script('tcp-caller.ts'), at(last), `${port}`, 'once').trim()
const inKernel = (): string => wire.client.run('nft', 'list', 'table', 'inet', 'gatehouse_rules')
const knows = (last: number): Promise<void> =>
  until(`the kernel knows ${at(last)}`, () => inKernel().includes(`${at(last)} timeout`))

describe('rules by domain', () => {
  test('match the addresses that DNS answered with, from the answer on, below a name and through aliases', async () => {
    const { ask: asked, tell } = await start(RULES)
    expect(call(50)).toBe('open')
    for (const name of ['ads.example', 'x.ads.example', 'shop.example', 'www.shop.example']) ask(name)
    await Promise.all([50, 51, 52].map(knows))
    expect([50, 51, 52, 53].map(call)).toEqual([
      'failed TIMEOUT',
      'failed TIMEOUT',
      'failed ECONNREFUSED',
      'open',
    ])
    const { rules } = asked<{ rules: { id: string; packets: number }[] }>('rule', 'list')
    expect(rules.find(({ id }) => id === 'ads')?.packets).toBeGreaterThan(1)

    // An address that several names share is turned away for the sake of one; the explanation names all.
    ask('news.example')
    await until('both names are known', () => tell('explain', `${at(51)}:${port}`).includes('news.example'))
    expect(tell('explain', `${at(51)}:${port}`)).toContain(`${at(51)} is x.ads.example, news.example`)
    expect(tell('explain', `${at(53)}:${port}`)).toContain(
      `domain shop.example (${at(53)} is www.shop.example)`,
    )
  })

  test('what DNS answered before counts for rules that come later, and after a restart and a kill', async () => {
    const first = await start('rules: []', 'enforce: { onStop: clear }')
    ask('ads.example')
    await until(
      'the name is known',
      () => first.tell('explain', `${at(50)}:${port}`, '-o', 'json').length > 0,
    )
    expect(call(50)).toBe('open')
    first.tell('deny', 'out', 'to', 'ads.example')
    await knows(50)
    expect(call(50)).toBe('failed TIMEOUT')

    await first.stop()
    expect(call(50)).toBe('open')
    const second = await start(`rules: ["deny out to ads.example"]`)
    expect(inKernel()).toContain(`${at(50)} timeout`)
    expect(call(50)).toBe('failed TIMEOUT')

    // What is in the kernel stays when the daemon dies, for its time.
    await second.kill()
    expect(call(50)).toBe('failed TIMEOUT')
    await start(`rules: ["deny out to ads.example"]`)
    expect(call(50)).toBe('failed TIMEOUT')
  })

  test('a table that another program flushed gets its names back', async () => {
    await start(RULES)
    ask('ads.example')
    await knows(50)
    wire.client.run('nft', 'delete', 'table', 'inet', 'gatehouse_rules')
    await until('the table is back', () => {
      try {
        return inKernel().includes(`${at(50)} timeout`)
      } catch {
        return false
      }
    })
    expect(call(50)).toBe('failed TIMEOUT')
  })

  test('a connection that was faster than its name is closed', async () => {
    const { output } = await start(RULES)
    const caller = wire.client.start(process.execPath, script('tcp-caller.ts'), at(50), `${port}`)
    let said = ''
    caller.stdout?.on('data', (bytes: Buffer) => (said += bytes.toString()))
    await until('it is connected', () => said.includes('open'))
    ask('ads.example')
    await until('it is closed', () => said.includes('closed'))
    await until('it is told', () => output().includes('was faster than the rule about ads.example: closed.'))
  })
})
