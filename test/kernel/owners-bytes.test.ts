import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect } from 'vitest'
import type { ProgramBytes } from '#model/program-bytes.ts'
import { layWire, type Wire } from '../support/namespaces.ts'
import { testWith } from '../support/needs.ts'
import { OwnersProbe } from '../support/owners-probe.ts'
import { holdSockets, type SocketHolder } from '../support/sockets.ts'

const wireTest = testWith('root', 'ip')
const PAYLOAD = 3_000_000
const SENT_BACK = 70_000
/** SYN and FIN take a number each. */
const MARKS = 2

let wire: Wire
let folder: string
let probe: OwnersProbe
let server: SocketHolder<{ port: number }>

beforeEach(async () => {
  wire = layWire()
  folder = mkdtempSync(join(tmpdir(), 'gh-tcp-bytes-'))
  server = await holdSockets(
    `const server = net.createServer({ allowHalfOpen: true }, (socket) => {
       socket.on('error', () => {}).resume().on('end', () => socket.end(Buffer.alloc(${SENT_BACK})))
     }).listen(0, '::', () => say({ port: server.address().port }))`,
    { namespace: wire.client.namespace },
  )
})

afterEach(async () => {
  await probe?.end()
  await server.stop()
  wire.remove()
  rmSync(folder, { recursive: true })
})

async function untilCounted(program: string, isAll: (bytes: ProgramBytes) => boolean): Promise<ProgramBytes> {
  let last: ProgramBytes | undefined
  await expect
    .poll(
      async () => {
        const { source, programs } = await probe.bytes()
        expect(source).toBe('sockets')
        last = programs.find((one) => one.program === program)
        return last !== undefined && isAll(last)
      },
      { timeout: 30_000, interval: 300 },
    )
    .toBe(true)
  return last as ProgramBytes
}

describe('the bytes of each program without eBPF', () => {
  wireTest.each([
    ['IPv4', '127.0.0.1'],
    ['IPv6', '::1'],
  ])('are counted over %s, also when its connection lasts a moment only', async (_version, host) => {
    const client = join(folder, 'client')
    copyFileSync(process.execPath, client)
    probe = new OwnersProbe(wire.client.namespace, 'queue,netlink,scan')
    await probe.health(/^ok: the first packet/)
    await probe.bytes()
    await expect
      .poll(() => wire.client.run('nft', 'list', 'tables'), { timeout: 10_000 })
      .toContain('gatehouse_owners')
    const send = `require('net').connect({ port: ${server.said.port}, host: '${host}' }, function () { this.end(Buffer.alloc(${PAYLOAD})) }).resume()`
    wire.client.run(client, '-e', send)
    const sent = await untilCounted(client, ({ receivedBytes }) => receivedBytes >= SENT_BACK)
    expect(sent.sentBytes).toBe(PAYLOAD)
    expect(sent.receivedBytes).toBeLessThanOrEqual(SENT_BACK + MARKS)
    const taken = await untilCounted(process.execPath, ({ receivedBytes }) => receivedBytes >= PAYLOAD)
    expect(taken.sentBytes).toBe(SENT_BACK)
    expect(taken.receivedBytes).toBeLessThanOrEqual(PAYLOAD + MARKS)
    process.stdout.write(`without eBPF: ${JSON.stringify([sent, taken])}\n`)
  })

  wireTest('begin when Gatehouse does: what a connection carried before is not told', async () => {
    const early = await holdSockets<{ port: number }>(
      `const socket = net.connect(${server.said.port}, '127.0.0.1', () => {
         socket.write(Buffer.alloc(${PAYLOAD}), () => say({ port: socket.localPort }))
         process.on('SIGUSR2', () => socket.write(Buffer.alloc(${SENT_BACK})))
       })`,
      { namespace: wire.client.namespace },
    )
    try {
      probe = new OwnersProbe(wire.client.namespace, 'scan')
      await probe.bytes()
      process.kill(early.pid, 'SIGUSR2')
      const { sentBytes } = await untilCounted(process.execPath, (bytes) => bytes.sentBytes > 0)
      expect(sentBytes).toBe(SENT_BACK)
    } finally {
      await early.stop()
    }
  })
})
