import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { request } from 'node:http'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import type { Connection } from '#contract/schemas.ts'
import { removeFolder, startDaemon, type TestDaemon } from '../support/daemon.ts'
import type { DnsServerSettings } from '../support/dns-server.ts'
import type { NameCallerSaid, NameCallerSettings } from '../support/name-caller.ts'
import { layWire, type NamespaceHost, type Wire } from '../support/namespaces.ts'
import { testWith } from '../support/needs.ts'

/** A real daemon beside a real resolver, a stub and programs that ask, connect and speak. */
const test = testWith('root', 'ip')
const script = (name: string): string => fileURLToPath(new URL(`../support/${name}`, import.meta.url))
const isAble = process.getuid?.() === 0

let wire: Wire
let daemon: TestDaemon
/** Of a listener that says nothing. */
let port: number

/** What the program says first. Rejects when it ends without a word. */
async function firstWords(child: ChildProcess): Promise<string> {
  const [said] = (await Promise.race([
    once(child.stdout as NodeJS.ReadableStream, 'data'),
    once(child, 'exit').then(([code]) => Promise.reject(new Error(`it ended with ${code}`))),
  ])) as [Buffer]
  return said.toString()
}

const startReady = (host: NamespaceHost, name: string, ...words: string[]): Promise<string> =>
  firstWords(host.start(process.execPath, script(name), ...words))

beforeAll(async () => {
  if (!isAble) return
  wire = layWire()
  const { server, client } = wire
  const dns: DnsServerSettings = {
    listen: server.ip4,
    records: {
      'shop.example': 'edge.cdn.example',
      'edge.cdn.example': server.ip4,
      'big.example': server.ip4,
      'one.example': server.ip4,
      'two.example': server.ip4,
      'stub.example': server.ip4,
    },
    truncated: ['big.example'],
  }
  const stub: DnsServerSettings = { listen: '127.0.0.53', upstream: server.ip4 }
  await startReady(server, 'dns-server.ts', JSON.stringify(dns))
  await startReady(client, 'dns-server.ts', JSON.stringify(stub))
  port = Number(/\d+/.exec(await startReady(server, 'tcp-listener.ts'))?.[0])
  daemon = await startDaemon({ namespace: client.namespace })
})

afterAll(async () => {
  await daemon?.stop()
  wire?.remove()
  if (daemon) removeFolder(daemon.folder)
})

const connections = (): Promise<Connection[]> => asked('/connections')

function asked<Answer>(path: string): Promise<Answer> {
  const socketPath = join(daemon.folder, 'run', 'api.sock')
  return new Promise((resolve, reject) => {
    const call = request({ socketPath, path: `/api/v1${path}` }, (answer) => {
      let text = ''
      answer.setEncoding('utf8').on('data', (part: string) => (text += part))
      answer.on('end', () => resolve(JSON.parse(text) as Answer))
    })
    call.on('error', reject)
    call.end()
  })
}

interface Shown {
  readonly connection: Connection
  readonly afterMs: number
}

/** Starts a program that connects, and waits until its connection has this name. */
async function called(name: string, about: Omit<NameCallerSettings, 'port'>): Promise<Shown> {
  const settings: NameCallerSettings = { port, ...about }
  const said = await startReady(wire.client, 'name-caller.ts', JSON.stringify(settings))
  const { port: from, at } = JSON.parse(said) as NameCallerSaid
  let last: Connection | undefined
  while (Date.now() - at < 20_000) {
    last = (await connections()).find(({ localPort, protocol }) => localPort === from && protocol === 'tcp')
    if (last?.name === name) return { connection: last, afterMs: Date.now() - at }
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  throw new Error(`not called ${name}: ${JSON.stringify(last)}`)
}

function within(what: string, { afterMs }: Shown): void {
  process.stdout.write(`${what}: shown by name ${afterMs} ms after connect()\n`)
  expect(afterMs).toBeLessThan(3_000)
}

describe('a connection shows its name soon', () => {
  test('that was asked for over UDP, behind an alias', async () => {
    const resolve = { server: wire.server.ip4, name: 'shop.example' }
    const shown = await called('shop.example', { resolve })
    expect(shown.connection).toMatchObject({ nameSource: 'dns', special: 'private', peer: wire.server.ip4 })
    within('DNS over UDP', shown)
  })

  test('that was asked for over TCP', async () => {
    const resolve = { server: wire.server.ip4, name: 'big.example' }
    const shown = await called('big.example', { resolve })
    expect(shown.connection.nameSource).toBe('dns')
    within('DNS over TCP', shown)
  })

  test('that a stub on loopback asked for', async () => {
    const resolve = { server: '127.0.0.53', name: 'stub.example' }
    const shown = await called('stub.example', { resolve })
    expect(shown.connection.nameSource).toBe('dns')
    within('stub on loopback', shown)
  })

  test('that TLS says, whatever DNS said of the address', async () => {
    const resolve = { server: wire.server.ip4, name: 'shop.example' }
    const shown = await called('tls.example', { resolve, tls: { name: 'tls.example' } })
    expect(shown.connection.nameSource).toBe('tls')
    within('TLS', shown)
  })

  test('that TLS says in pieces of 60 bytes', async () => {
    const tls = { name: 'pieces.example', pieces: 60 }
    const shown = await called('pieces.example', { host: wire.server.ip4, tls })
    within('TLS in pieces', shown)
  })

  test('that HTTP says', async () => {
    const shown = await called('web.example', {
      host: wire.server.ip4,
      http: 'web.example:8080',
    })
    expect(shown.connection.nameSource).toBe('http')
    within('HTTP', shown)
  })
})

test('of two names for one address each program has the one that it asked for', async () => {
  const ask = (name: string): Promise<Shown> => called(name, { resolve: { server: wire.server.ip4, name } })
  const [one, two] = await Promise.all([ask('one.example'), ask('two.example')])
  expect([one.connection.name, two.connection.name]).toEqual(['one.example', 'two.example'])
  // Later packets and owners change nothing: both stay as they are.
  await new Promise((resolve) => setTimeout(resolve, 1_500))
  const names = new Map((await connections()).map(({ localPort, name }) => [localPort, name]))
  expect([names.get(one.connection.localPort), names.get(two.connection.localPort)]).toEqual([
    'one.example',
    'two.example',
  ])
})

test('what a host on the link calls itself', async () => {
  wire.client.run('ip', 'address', 'add', '10.99.0.2/24', 'dev', wire.client.link)
  wire.server.run('ip', 'address', 'add', '10.99.0.1/24', 'dev', wire.server.link)
  wire.server.run(process.execPath, script('mdns-speaker.ts'), '10.99.0.1', 'TV.local')
  const shown = await called('tv.local', { host: '10.99.0.1' })
  expect(shown.connection.nameSource).toBe('mdns')
})

test('the places of this install are known to the daemon', () => {
  const places = daemon.ask<{ name: string; state: string }[]>('doctor').find(({ name }) => name === 'places')
  expect(places).toMatchObject({ state: 'ok' })
})

test('history knows the name and the purpose of the address too', async () => {
  const resolve = { server: wire.server.ip4, name: 'shop.example' }
  const { connection } = await called('shop.example', { resolve })
  const flow = async (): Promise<Connection | undefined> =>
    (await asked<{ items: Connection[] }>('/flows?limit=200')).items.find(({ id }) => id === connection.id)
  await expect.poll(flow).toMatchObject({ name: 'shop.example', nameSource: 'dns', special: 'private' })
})
