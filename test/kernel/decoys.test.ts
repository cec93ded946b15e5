import { afterEach, beforeEach, describe, expect } from 'vitest'
import type { DecoyOutcome, DecoyStatus } from '#contract/decoys.ts'
import type { Alert, Block } from '#contract/schemas.ts'
import { removeFolder, startDaemon, type TestDaemon, until } from '../support/daemon.ts'
import { type Lan, layLan, type NamespaceHost } from '../support/namespaces.ts'
import { testWith } from '../support/needs.ts'

/** The whole product with decoys at unused ports, and people who touch them. */
const test = testWith('root', 'ip', 'nft', 'nmap')
const CONFIG = 'decoys:\n  ports: [23, 3389]\n  banners: { "23": "login: " }\n'

let lan: Lan
let server: NamespaceHost
let visitor: NamespaceHost
let bystander: NamespaceHost
let daemon: TestDaemon

beforeEach(async () => {
  lan = layLan([1, 2, 9])
  ;[server, visitor, bystander] = lan.hosts as [NamespaceHost, NamespaceHost, NamespaceHost]
  daemon = await startDaemon({ namespace: server.namespace, config: CONFIG })
})

afterEach(async () => {
  await daemon?.stop()
  if (daemon) removeFolder(daemon.folder)
  lan.remove()
})

const status = (): DecoyStatus => daemon.ask<DecoyStatus>('decoys')
const blocked = (): string[] => daemon.ask<Block[]>('block', 'list').map(({ target }) => target)

/** Connects, says what it hears, sends a line, and stays. */
const talkScript = (server: string, port: number): string => `
  import { connect } from 'node:net'
  const socket = connect(${port}, '${server}')
  socket.on('error', (error) => console.log('error ' + error.code)).on('close', () => console.log('closed'))
  socket.on('data', (bytes) => { console.log('heard ' + bytes); socket.write('root\\u001b[31m\\r\\n') })
  setInterval(() => {}, 1000)
`

const talk = (host: NamespaceHost, port: number): string[] => {
  const lines: string[] = []
  const child = host.start(process.execPath, '--input-type=module', '-e', talkScript(server.ip4, port))
  child.stdout?.setEncoding('utf8').on('data', (text: string) => lines.push(text.trim()))
  return lines
}

/** What becomes of one connection: `open`, or why not. */
const knock = (host: NamespaceHost, port: number): string =>
  host.run(process.execPath, '--input-type=module', '-e', knockScript(server.ip4, port)).trim()

const knockScript = (server: string, port: number): string => `
  import { connect } from 'node:net'
  const socket = connect({ port: ${port}, host: '${server}', timeout: 3000 })
  const end = (word) => { console.log(word); process.exit() }
  socket.on('connect', () => end('open')).on('timeout', () => end('timeout')).on('error', (error) => end(error.code))
`

const serverScript = (port: number): string =>
  `import { createServer } from 'node:net'; createServer(() => {}).listen(${port}, () => console.log('listening'))`

describe('whoever connects to a decoy', () => {
  test('hears its banner, is held and blocked, and what he sent is recorded', async () => {
    const heard = talk(visitor, 23)
    await until('the client hears the banner', () => heard.includes('heard login:'))
    await until('what it said is recorded', () => status().peers[0]?.bytes === 11)
    expect(status().peers).toMatchObject([
      { peer: visitor.ip4, port: 23, state: 'held', said: 'root\\x1b[31m\\x0d\\x0a' },
    ])
    expect(blocked()).toEqual([visitor.ip4])
    const [alert] = daemon.ask<{ items: Alert[] }>('alerts').items
    expect(alert).toMatchObject({
      detector: 'decoy',
      kind: 'data',
      severity: 'critical',
      subject: visitor.ip4,
    })
    // Its own side still believes in the connection.
    expect(visitor.run('ss', '-Htn', 'state', 'established', 'dport', '=', ':23')).toContain(':23')
    expect(heard).not.toContain('closed')
  })

  test('by nmap -sT is blocked, and somebody who uses other ports is not', async () => {
    const service = server.start(process.execPath, '--input-type=module', '-e', serverScript(8080))
    await new Promise((resolve) => service.stdout?.once('data', resolve))
    expect(knock(bystander, 8080)).toBe('open')
    expect(knock(bystander, 81)).toBe('ECONNREFUSED')
    visitor.run('nmap', '-n', '-Pn', '-sT', '-p', '3389', server.ip4)
    await until('the scanner is blocked', () => blocked().includes(visitor.ip4))
    expect(blocked()).toEqual([visitor.ip4])
    expect(knock(bystander, 8080)).toBe('open')
  })
})

test('a program that begins to listen at a decoy port is reached at once', async () => {
  expect(status().givenWay).toEqual([])
  const service = server.start(process.execPath, '--input-type=module', '-e', serverScript(3389))
  await new Promise((resolve) => service.stdout?.once('data', resolve))
  expect(knock(bystander, 3389)).toBe('open')
  await until('the decoy has given way', () => status().givenWay.includes(3389))
  expect(blocked()).toEqual([])
})

test('decoys that are set or taken away while Gatehouse runs hold at once, and an undo takes them back', async () => {
  const { decisions } = daemon.ask<DecoyOutcome>('decoys', 'add', '8081', '--banner', 'SSH-2.0-x')
  daemon.tell('decoys', 'remove', '23')
  await until('the old port is closed', () => knock(bystander, 23) === 'ECONNREFUSED')
  const heard = talk(visitor, 8081)
  await until('the client hears the new banner', () => heard.includes('heard SSH-2.0-x'))
  await until('the visitor is blocked', () => blocked().includes(visitor.ip4))
  await until('what it said is recorded', () => status().peers[0]?.bytes === 11)
  await until('its alert is there', () => status().peers[0]?.alertId !== undefined)
  const [alert] = daemon.ask<{ items: Alert[] }>('alerts').items
  expect(status()).toMatchObject({ ports: [3389, 8081], isEnabled: true, mode: 'act' })
  expect(status().peers).toMatchObject([{ port: 8081, state: 'held', isBlocked: true, alertId: alert?.id }])
  daemon.tell('decoys', 'remove', '8081')
  await until('the port is closed again', () => knock(bystander, 8081) === 'ECONNREFUSED')
  await until('the visitor is let go', () => status().peers[0]?.state === 'left')
  expect(status().peers).toMatchObject([{ port: 8081 }])
  for (const { id } of decisions.toReversed()) daemon.tell('undo', `${id}`)
  expect(status()).toMatchObject({ ports: [23, 3389], banners: { 23: 'login: ' } })
  daemon.tell('decoys', 'off')
  await until('nothing answers', () => knock(bystander, 3389) === 'ECONNREFUSED')
  await until('its table is gone', () => !server.run('nft', 'list', 'tables').includes('gatehouse_shield'))
  expect(blocked()).toEqual([visitor.ip4])
})

test('a lone SYN, which may be forged, blocks nobody', async () => {
  visitor.run('nmap', '-n', '-Pn', '-sS', '-p', '3389', server.ip4)
  await until('it is told', () => daemon.ask<{ items: Alert[] }>('alerts').items.length > 0)
  expect(daemon.ask<{ items: Alert[] }>('alerts').items).toMatchObject([{ detector: 'decoy', kind: 'probe' }])
  expect(blocked()).toEqual([])
})
