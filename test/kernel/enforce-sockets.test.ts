import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect } from 'vitest'
import { eventually, type GuardedWire, layGuardedWire, listen, said } from '../support/guarded-wire.ts'
import { testWith } from '../support/needs.ts'

const test = testWith('root', 'ip')

let wire: GuardedWire

beforeEach(async () => {
  wire = await layGuardedWire()
})

afterEach(() => wire.end())

describe('a live connection of a blocked address', () => {
  test.each(['ip4', 'ip6'] as const)('is destroyed (%s)', async (ip) => {
    await wire.enforcer.start()
    wire.keepCalling(wire.client, wire.server[ip])
    await said(wire.heard, 'open')
    await wire.enforcer.block(wire.client[ip], 600)
    expect(await wire.enforcer.closeSockets(wire.client[ip])).toBe(1)
    await said(wire.heard, 'closed')
    expect(await wire.enforcer.closeSockets(wire.client[ip])).toBe(0)
  })

  test('is destroyed with all others of its range, and those of strangers stay', async () => {
    await wire.enforcer.start()
    const here = wire.keepCalling(wire.server, '127.0.0.1')
    await said(here, 'open')
    for (const ip of ['ip4', 'ip6'] as const) {
      wire.keepCalling(wire.client, wire.server[ip])
    }
    await eventually(() => wire.heard.filter((line) => line.startsWith('open')).length === 3)
    const range = `${wire.client.ip4.split('.').slice(0, 3).join('.')}.0/24`
    expect(await wire.enforcer.closeSockets(range)).toBe(1)
    await said(wire.heard, 'closed')
    await sleep(100)
    expect(wire.heard.filter((line) => line.startsWith('closed'))).toHaveLength(1)
    expect(here).toEqual(['open'])
  })

  test('of UDP is destroyed too', async () => {
    await wire.enforcer.start()
    const code = `const s = require('node:dgram').createSocket('udp4')
      s.on('error', () => undefined)
      s.connect(9, '${wire.client.ip4}', () => process.stdout.write('connected\\n'))`
    await said(listen(wire.server.start(process.execPath, '-e', code)), 'connected')
    expect(await wire.enforcer.closeSockets(wire.client.ip4)).toBe(1)
  })

  test('can be closed alone, while the next one of the same peer stays', async () => {
    await wire.enforcer.start()
    const callers = [0, 1].map(() => wire.keepCalling(wire.client, wire.server.ip4))
    for (const caller of callers) await said(caller, 'open')
    const rows = wire.server
      .run('ss', '-tnH', 'state', 'established', 'dst', wire.client.ip4)
      .trim()
      .split('\n')
    const peerPort = Number(/:(\d+)\s*$/.exec(rows[0] ?? '')?.[1])
    const key = {
      protocol: 6,
      localAddress: wire.server.ip4,
      localPort: Number(wire.port),
      peerAddress: wire.client.ip4,
      peerPort,
    }
    expect(await wire.enforcer.closeSocket(key)).toEqual({ closed: 1, isUnsupported: false })
    await eventually(() => callers.filter((caller) => caller.includes('closed')).length === 1)
    expect(await wire.enforcer.closeSocket(key)).toEqual({ closed: 0, isUnsupported: false })
    expect(callers.filter((caller) => caller.includes('closed'))).toHaveLength(1)
  })
})
