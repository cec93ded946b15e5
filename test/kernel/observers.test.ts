import { afterEach, beforeEach, expect } from 'vitest'
import type { Alert, Block, Page } from '#contract/schemas.ts'
import { removeFolder, startDaemon, type TestDaemon, until } from '../support/daemon.ts'
import { layWire, type Wire } from '../support/namespaces.ts'
import { testWith } from '../support/needs.ts'

/** Observers in a real daemon: programs, bytes and history are the machine's own. */
const test = testWith('root', 'ip', 'nft')

const PORT = 5_001
const RECEIVER = `require('node:net').createServer((one) => one.resume()).listen(${PORT}, () => console.log('listens'))`
const sender = (address: string): string => `
  const socket = require('node:net').connect(${PORT}, '${address}', () => socket.write(Buffer.alloc(3_000_000)))
  setInterval(() => {}, 1_000)`

let wire: Wire
let daemon: TestDaemon | undefined

beforeEach(() => {
  wire = layWire()
})

afterEach(async () => {
  await daemon?.stop()
  wire.remove()
  if (daemon) removeFolder(daemon.folder)
})

const CONFIG = `
detectors:
  outbound-transfer: { megabytes: 1, withPrivate: true }
  first-seen: { learnDays: 0, kinds: [program, program-host] }
`

test('a program that is new and sends much is told of, and blocked by nobody', async () => {
  daemon = await startDaemon({ namespace: wire.server.namespace, config: CONFIG })
  const guard = daemon
  const receiver = wire.client.start(process.execPath, '-e', RECEIVER)
  await new Promise((resolve) => receiver.stdout?.once('data', resolve))
  wire.server.start(process.execPath, '-e', sender(wire.client.ip4))
  const told = (detector: string): Alert | undefined =>
    guard.ask<Page<Alert>>('alerts').items.find((alert) => alert.detector === detector)
  await until('the transfer', () => told('outbound-transfer') !== undefined)
  const transfer = told('outbound-transfer')
  expect(transfer?.summary).toMatch(
    new RegExp(`^\\S+node\\S* sent [\\d.]+ MB to ${wire.client.ip4} within an hour`),
  )
  expect(transfer).toMatchObject({
    subject: wire.client.ip4,
    because: 'detectors.outbound-transfer.megabytes = 1',
  })
  await until('the new program', () => told('first-seen') !== undefined)
  expect(told('first-seen')?.summary).toMatch(
    /^\S+node\S* was seen for the first time, with |^\S+node\S* talked to /,
  )
  expect(guard.ask<Block[]>('block', 'list')).toEqual([])
  const modes = guard
    .ask<{ id: string; mode: string }[]>('detectors')
    .filter(({ id }) => ['outbound-transfer', 'login-failures'].includes(id))
    .map(({ id, mode }) => `${id} ${mode}`)
  expect(modes.toSorted()).toEqual(['login-failures act', 'outbound-transfer watch'])
})
