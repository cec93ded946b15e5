import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect } from 'vitest'
import type { Block, Connection, Decision, Page } from '#contract/schemas.ts'
import { removeFolder, startDaemon, type TestDaemon, until } from '../support/daemon.ts'
import { type Gateway, layGateway } from '../support/gateway.ts'
import { listen, said } from '../support/guarded-wire.ts'
import { testWith } from '../support/needs.ts'

/** A connection that only passes through, in the middle of it, ends when it is blocked or denied. */
const test = testWith('root', 'ip', 'nft')
const TICKER = new URL('../support/tcp-ticker.ts', import.meta.url).pathname
/** It is over in milliseconds; on a busy machine what was under way comes later. */
const SOON_MS = 3_000
/** With rules about anything the kernel tracks connections, and lets those pass that it knows. */
const TRACKING = 'rules:\n  - { action: deny, direction: in, protocol: tcp, port: 23 }\n'

let net: Gateway
let daemon: TestDaemon | undefined
let folder: string
/** What the client says. */
let lines: string[]
let port: string

beforeEach(() => {
  net = layGateway()
  net.server.run('ip', 'route', 'add', '198.51.100.0/24', 'via', net.gateway.ip4)
  folder = mkdtempSync(join(tmpdir(), 'gatehouse-forwarded-'))
})

afterEach(async () => {
  await daemon?.stop()
  daemon = undefined
  net.remove()
  removeFolder(folder)
})

/** Guards the gateway, with a connection that goes through it. */
async function passingThrough(rules: string): Promise<TestDaemon> {
  const file = join(folder, 'rules.yaml')
  writeFileSync(file, rules)
  const guard = await startDaemon({
    namespace: net.gateway.namespace,
    folder,
    flags: ['--rules', file],
  })
  daemon = guard
  const serving = listen(net.server.start(process.execPath, TICKER, 'serve'))
  port = (await said(serving, 'listening')).split(' ')[1] ?? ''
  lines = listen(net.client.start(process.execPath, TICKER, net.server.ip4, port))
  await said(lines, 'tick')
  const isIt = ({ direction, target, targetPort }: Connection): boolean =>
    direction === 'forward' && target === net.server.ip4 && `${targetPort}` === port
  await until('it is seen', () => guard.ask<Connection[]>('connections').some(isIt))
  const before = lines.length
  await until('it goes on', () => lines.length > before)
  return guard
}

/** The kernel turns its packets away again and again, and nothing comes back any more. */
async function expectOver(guard: TestDaemon, turnedAway: () => number): Promise<void> {
  const decidedAt = guard.ask<Page<Decision>>('decisions').items[0]?.at ?? 0
  await until('its packets are turned away', () => turnedAway() > 1)
  await until('some time has passed', () => Date.now() > decidedAt + 2 * SOON_MS)
  const lastTick = Number(lines.findLast((line) => line.startsWith('tick'))?.split(' ')[1])
  process.stdout.write(`the last answer came ${lastTick - decidedAt} ms after the decision\n`)
  expect(lastTick).toBeLessThan(decidedAt + SOON_MS)
}

test('a block ends it', async () => {
  const guard = await passingThrough(TRACKING)
  guard.tell('block', net.server.ip4, '--for', '1h')
  await expectOver(guard, () => guard.ask<Block[]>('block', 'list')[0]?.droppedPackets ?? 0)
})

test.each([
  ['where the kernel tracked it', TRACKING, 'closed: 1.'],
  ['that comes before any other', '{}', 'closed: 1.'],
])('a rule %s ends it', async (_when, rules, answer) => {
  const guard = await passingThrough(rules)
  const said = guard.tell('rule', 'add', `deny forward ${port}/tcp to ${net.server.ip4}`, '--force')
  expect(said).toContain(answer)
  await expectOver(guard, () =>
    guard
      .ask<{ rules: { packets: number }[] }>('rule', 'list')
      .rules.reduce((sum, { packets }) => sum + packets, 0),
  )
  await guard.stop()
  expect(net.gateway.run('nft', 'list', 'tables')).toBe('')
})

test('a rule that rejects it tells who sends', async () => {
  const guard = await passingThrough(TRACKING)
  const said = guard.tell('rule', 'add', `reject forward ${port}/tcp to ${net.server.ip4}`, '--force')
  expect(said).toContain('closed: 1.')
  await until('the client is told', () => lines.includes('closed'))
  expect(lines).toContain('failed ECONNRESET')
})
