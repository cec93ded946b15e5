import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect } from 'vitest'
import type { EgressEntry, Feed, Lookup } from '#contract/intel.ts'
import type { Alert, Block, Connection, Decision, Page } from '#contract/schemas.ts'
import type { ProgramView } from '#contract/views.ts'
import { removeFolder, startDaemon, type TestDaemon, until } from '../support/daemon.ts'
import { layWire, type Wire } from '../support/namespaces.ts'
import { testWith } from '../support/needs.ts'
import { portOf } from '../support/program-world.ts'
import { listen } from '../support/talkers.ts'

/** Threat lists in the real daemon: fetched over a wire of our own, from a neighbour and from a file. */
const SUPPORT = fileURLToPath(new URL('../support/', import.meta.url))
const test = testWith('root', 'ip')

let wire: Wire
let daemon: TestDaemon | undefined
let folder: string

beforeEach(() => {
  wire = layWire()
  folder = mkdtempSync(join(tmpdir(), 'gatehouse-lists-'))
})

afterEach(async () => {
  await daemon?.stop()
  if (daemon) removeFolder(daemon.folder)
  daemon = undefined
  wire.remove()
  removeFolder(folder)
})

test('lists from a web server and a file show, tell and block, and each request is on record', async () => {
  const serving = await portOf(
    wire.client.start(
      process.execPath,
      `${SUPPORT}list-server.ts`,
      `${wire.client.ip4}/29\n198.51.100.0/24\n`,
    ),
  )
  const listening = String(await listen(wire.server))
  const mine = join(folder, 'mine.csv')
  writeFileSync(mine, `value,reason,confidence\n${wire.client.ip4},keeps knocking,90\n`)
  const lists = [
    {
      id: 'near',
      title: 'Near ones',
      url: `http://${wire.client.ip4}:${serving}/list`,
      format: 'plain',
      action: 'record',
    },
    { id: 'mine', file: mine, format: 'own-csv', action: 'block' },
  ]
  daemon = await startDaemon({
    namespace: wire.server.namespace,
    config: JSON.stringify({ capture: { interfaces: ['gh0'] }, intel: { lists } }),
  })
  const guard = daemon
  const feeds = (): Feed[] => guard.ask<Feed[]>('feeds').filter(({ isOn }) => isOn)
  await until('both lists are read', () => feeds().every(({ state }) => state === 'ok'))
  expect(feeds().map(({ id, entries }) => [id, entries])).toEqual([
    ['near', 2],
    ['mine', 1],
  ])
  expect(guard.ask<Page<EgressEntry>>('egress').items).toMatchObject([
    { to: `${wire.client.ip4}:${serving}`, what: 'GET /list', why: 'list near' },
  ])
  expect(guard.ask<Feed>('feeds', 'show', 'feodo')).toMatchObject({
    isOn: false,
    state: 'off',
    decidedBy: 'nobody',
  })

  const decisions = (): Decision[] => guard.ask<Page<Decision>>('decisions').items
  await until('the kernel turns the list away', () => decisions().length > 0)
  expect(decisions()).toMatchObject([{ kind: 'load', target: 'list mine', actor: 'gatehouse' }])
  const call = (from: typeof wire.client, address: string): string =>
    from.run(process.execPath, `${SUPPORT}tcp-caller.ts`, address, listening, 'once').trim()
  expect(call(wire.client, wire.server.ip4)).toBe('failed TIMEOUT')
  const alerts = (): Alert[] =>
    guard.ask<Page<Alert>>('alerts').items.filter(({ detector }) => detector === 'intel')
  await until('the list speaks', () => alerts().length > 0)
  expect(alerts()[0]).toMatchObject({
    kind: 'own',
    subject: wire.client.ip4,
    because: 'intel.lists: mine, block',
    response: 'Turned away by the kernel: the list mine is set to block',
  })
  expect(alerts()[0]?.summary).toContain('keeps knocking')
  expect(guard.ask<Block[]>('block', 'list')).toEqual([])
  expect(guard.ask<Feed>('feeds', 'show', 'mine').dropped?.packets).toBeGreaterThan(0)

  // What never leaves is seen by no capture: the kernel tells who was called, and the sockets by which program.
  const dial = `require('node:net').connect(9, '${wire.client.ip4}').on('error', () => {})`
  const dialling = wire.server.start(process.execPath, '-e', dial)
  const outbound = (): Alert | undefined => alerts().find(({ technique }) => technique === 'T1071')
  await until('the call is told', () => outbound() !== undefined)
  expect(outbound()).toMatchObject({ severity: 'high', subject: wire.client.ip4 })
  expect(outbound()?.summary).toContain(`node connected to ${wire.client.ip4}`)
  // It need not wait for an answer that never comes.
  await until('the call is ended', () => dialling.exitCode !== null)
  expect(() => guard.tell('unblock', wire.client.ip4)).toThrow('is turned away by a list')
  guard.tell('allow', 'add', wire.client.ip4)
  expect(call(wire.client, wire.server.ip4)).toBe('open')
  guard.tell('allow', 'remove', wire.client.ip4)
  await until('it is turned away again', () => call(wire.client, wire.server.ip4) === 'failed TIMEOUT')

  const found = guard.ask<Lookup>('lookup', wire.client.ip4)
  expect(found.listings.map(({ list, matched, reason }) => [list, matched, reason])).toEqual([
    ['near', `${wire.client.ip4.replace(/\.2$/, '.0')}/29`, undefined],
    ['mine', wire.client.ip4, 'keeps knocking'],
  ])
  const flows = guard
    .ask<Connection[]>('connections')
    .filter(({ peer, localPort }) => peer === wire.client.ip4 && String(localPort) === listening)
  for (const flow of flows) expect(flow.listed).toEqual(['near', 'mine'])
  expect(feeds().map(({ hits }) => hits)).toEqual([1, 1])
})

test('programs, clients and web addresses are matched as they come, and all of it is in one answer', async () => {
  const serving = await portOf(wire.client.start(process.execPath, `${SUPPORT}list-server.ts`, ''))
  const url = `http://${wire.client.ip4}:${serving}/mal.exe?id=1`
  const sha256 = createHash('sha256').update(readFileSync(process.execPath)).digest('hex')
  const files = join(folder, 'files.csv')
  writeFileSync(files, `value,reason,confidence\n${sha256},it is a test,90\n`)
  const links = join(folder, 'links.csv')
  writeFileSync(links, `value,confidence\n${url},80\n`)
  const lists = [
    { id: 'files', title: 'Bad files', file: files, format: 'own-csv', action: 'block' },
    { id: 'links', title: 'Bad links', file: links, format: 'own-csv', action: 'alert' },
  ]
  daemon = await startDaemon({
    namespace: wire.server.namespace,
    config: JSON.stringify({ capture: { interfaces: ['gh0'] }, intel: { lists } }),
  })
  const guard = daemon
  await until('both lists are read', () => {
    const on = guard.ask<Feed[]>('feeds').filter(({ isOn }) => isOn)
    return on.length === 2 && on.every(({ state }) => state === 'ok')
  })
  const ask = `const { get } = require('node:http'); const agent = new (require('node:http').Agent)({ keepAlive: true })
    get(${JSON.stringify(url)}, { agent }, (answer) => answer.resume())
    const { connect } = require('node:tls')
    connect({ host: '${wire.client.ip4}', port: ${serving}, servername: 'a.example' }).on('error', () => {})
    setInterval(() => {}, 1000)`
  const caller = wire.server.start(process.execPath, '-e', ask)
  const alerts = (): string[] =>
    guard
      .ask<Page<Alert>>('alerts')
      .items.filter(({ detector }) => detector === 'intel')
      .map(({ summary, response }) => `${summary} | ${response}`)
  const told = (text: string): boolean => alerts().some((alert) => alert.includes(text))
  await until('the link is told', () => told(`${url} is on Bad links`))
  await until('the program is told', () => told(`(${sha256}) is on Bad files`), 30_000)
  expect(told(`gatehouse watchdog add sha256:${sha256}`)).toBe(true)

  const program = guard.ask<ProgramView>('program', String(caller.pid))
  expect(program.identity?.sha256).toBe(sha256)
  // More where the checkout lies in a folder for temporary files: so does its node then.
  expect(program.reputation?.score).toBeGreaterThanOrEqual(81)
  expect(program.reputation?.factors[0]?.sentence).toBe('on Bad files, 90 % sure: it is a test')
  expect(guard.tell('program', String(caller.pid))).toMatch(
    /Reputation {2}8\d of 100\. It is known to be bad\./,
  )
  expect(guard.tell('host', wire.client.ip4)).toMatch(/^Reputation {2}\d+ of 100\. /m)
  expect(guard.tell('lookup', sha256)).toContain('+81  on Bad files, 90 % sure')
  caller.kill()
})

test('how a client speaks TLS is shown with its connection', async () => {
  const listening = String(await listen(wire.client))
  daemon = await startDaemon({
    namespace: wire.server.namespace,
    config: JSON.stringify({ capture: { interfaces: ['gh0'] } }),
  })
  const guard = daemon
  const ask = `require('node:tls').connect({ host: '${wire.client.ip4}', port: ${listening}, servername: 'a.example' }).on('error', () => {})`
  const caller = wire.server.start(process.execPath, '-e', ask)
  const seen = (): Connection | undefined =>
    guard.ask<Connection[]>('connections').find(({ ja4 }) => ja4 !== undefined)
  await until('the fingerprint is shown', () => seen() !== undefined)
  expect(seen()).toMatchObject({
    name: 'a.example',
    ja3: expect.stringMatching(/^[0-9a-f]{32}$/),
    ja4: expect.stringMatching(/^t13d\d{4}00_[0-9a-f]{12}_[0-9a-f]{12}$/),
  })
  caller.kill()
})

test('a rule by reputation goes by what a list says of whoever calls, and says so', async () => {
  const listening = String(await listen(wire.server))
  const bad = join(folder, 'bad.csv')
  writeFileSync(bad, `value,confidence\n${wire.client.ip4},90\n`)
  const rules = join(folder, 'rules.yaml')
  writeFileSync(rules, 'rules:\n  - { id: bad-ones, action: deny, direction: inbound, reputation: ">70" }\n')
  const lists = [{ id: 'bad', title: 'Bad ones', file: bad, format: 'own-csv', action: 'record' }]
  daemon = await startDaemon({
    namespace: wire.server.namespace,
    flags: ['--rules', rules],
    config: JSON.stringify({
      capture: { interfaces: ['gh0'] },
      intel: { lists, reputation: { alertFrom: 90 } },
    }),
  })
  const guard = daemon
  await until('the list is read', () => guard.ask<Feed>('feeds', 'show', 'bad').state === 'ok')
  const call = (): string =>
    wire.client.run(process.execPath, `${SUPPORT}tcp-caller.ts`, wire.server.ip4, listening, 'once').trim()
  expect(call()).toBe('open')
  await until('the rule knows it', () => call() === 'failed TIMEOUT')
  const why = guard.tell('explain', `${wire.client.ip4}:${listening}`, '--direction', 'inbound')
  expect(why).toContain('dropped')
  expect(why).toContain(`the reputation of ${wire.client.ip4} is over 80`)
  // What a list only records is told by nobody below the score.
  expect(guard.ask<Page<Alert>>('alerts').items.filter(({ detector }) => detector === 'intel')).toEqual([])
})
