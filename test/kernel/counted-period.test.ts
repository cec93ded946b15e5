import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect } from 'vitest'
import type { SummaryList } from '#contract/views.ts'
import { removeFolder, startDaemon, type TestDaemon, until } from '../support/daemon.ts'
import { layWire, type Wire } from '../support/namespaces.ts'
import { testWith } from '../support/needs.ts'

const rootTest = testWith('root', 'ip')
const PAYLOAD = 3_000_000
/** Sends to itself, and is over before anybody could look at it. */
const SEND = `const server = require('net').createServer((socket) => socket.resume().on('end', () => socket.end()))
  server.listen(0, '127.0.0.1', () => {
    const client = require('net').connect(server.address().port, '127.0.0.1', () => client.end(Buffer.alloc(${PAYLOAD})))
    client.resume().on('close', () => server.close())
  })`

let wire: Wire
let folder: string
let program: string
let daemon: TestDaemon

beforeEach(() => {
  wire = layWire()
  folder = mkdtempSync(join(tmpdir(), 'gh-counted-'))
  program = join(folder, 'sender')
  copyFileSync(process.execPath, program)
})

afterEach(async () => {
  await daemon.stop()
  wire.remove()
  removeFolder(daemon.folder)
  rmSync(folder, { recursive: true })
})

/** Whatever else this machine does is counted too: only ours is asked for. */
const counted = (): { readonly bytesIn: number; readonly bytesOut: number } | undefined =>
  daemon.ask<SummaryList>('programs', '--since', '1h').items.find(({ key }) => key === program)?.counted

async function start(): Promise<void> {
  daemon = await startDaemon({
    namespace: wire.server.namespace,
    ...(daemon && { folder: daemon.folder }),
  })
  await until('bytes are counted', () => daemon.ask<SummaryList>('programs').counted !== undefined)
}

async function sendAndExpect(payloads: number): Promise<void> {
  wire.server.run(program, '-e', SEND)
  const bytes = payloads * PAYLOAD
  await until('both ends are counted', () => {
    const { bytesIn = 0, bytesOut = 0 } = counted() ?? {}
    return bytesIn >= bytes && bytesOut >= bytes
  })
  expect(counted()).toEqual({ bytesIn: bytes, bytesOut: bytes })
}

rootTest(
  'what a program carried is told of a period to the byte, captured or not, also over a crash',
  { timeout: 180_000 },
  async () => {
    await start()
    await sendAndExpect(1)
    // It was asked for, so it is in the store.
    await daemon.kill()
    await start()
    await sendAndExpect(2)
    const { items, counted: how } = daemon.ask<SummaryList>('programs', '--since', '1h')
    expect(items.find(({ key }) => key === program)).toMatchObject({ flows: 0, bytesIn: 0 })
    expect(how?.seconds).toBeGreaterThan(0)
  },
)
