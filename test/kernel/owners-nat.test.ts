import { execFileSync } from 'node:child_process'
import { afterEach, beforeEach, expect } from 'vitest'
import type { SocketKey } from '#model/owner.ts'
import { layWire, type Wire } from '../support/namespaces.ts'
import { testWith } from '../support/needs.ts'
import { OwnersProbe } from '../support/owners-probe.ts'
import { holdSockets, type SocketHolder } from '../support/sockets.ts'

const natTest = testWith('root', 'ip', 'nft')
const TCP = 6
const SHOWN_PORT = 80
const MASQUERADED_PORT = 44_444

let wire: Wire
let probe: OwnersProbe | undefined
let holders: SocketHolder<{ port: number }>[]

beforeEach(() => {
  wire = layWire()
  holders = []
  probe = undefined
})

afterEach(async () => {
  await probe?.end()
  for (const holder of holders) await holder.stop()
  wire.remove()
})

async function hold(namespace: string, script: string): Promise<SocketHolder<{ port: number }>> {
  const holder = await holdSockets<{ port: number }>(script, { namespace })
  holders.push(holder)
  return holder
}

/** A listener, and a connection to it as others see it. */
const listen = `const server = net.createServer((socket) => socket.on('error', () => {})).listen(0, '0.0.0.0', () => say({ port: server.address().port }))`
const connect = (host: string, port: number): string =>
  `const socket = net.connect({ port: ${port}, host: '${host}' }, () => say({ port: socket.localPort }))`

const rules = (namespace: string, text: string): void =>
  void execFileSync('ip', ['netns', 'exec', namespace, 'nft', '-f', '-'], { input: text })

const keyOf = (local: readonly [string, number], peer: readonly [string, number]): SocketKey => ({
  protocol: TCP,
  localAddress: local[0],
  localPort: local[1],
  peerAddress: peer[0],
  peerPort: peer[1],
})

natTest('a port that is redirected to a listener of this machine belongs to that listener', async () => {
  const { server, client } = wire
  const listener = await hold(client.namespace, listen)
  rules(
    client.namespace,
    `table ip nat { chain in { type nat hook prerouting priority -100; tcp dport ${SHOWN_PORT} redirect to :${listener.said.port}; }\n}`,
  )
  const { said } = await hold(server.namespace, connect(client.ip4, SHOWN_PORT))
  probe = new OwnersProbe(client.namespace, 'scan')
  const onWire = keyOf([client.ip4, SHOWN_PORT], [server.ip4, said.port])
  expect(await probe.owner(onWire)).toMatchObject({ pid: listener.pid })
  expect(await probe.owner({ ...onWire, peerPort: said.port ^ 1 })).toBeUndefined()
})

natTest('a connection that leaves under another port belongs to the program that made it', async () => {
  const { server, client } = wire
  const listener = await hold(server.namespace, listen)
  rules(
    client.namespace,
    `table ip nat { chain out { type nat hook postrouting priority 100; meta l4proto tcp masquerade to :${MASQUERADED_PORT}; }\n}`,
  )
  const program = await hold(client.namespace, connect(server.ip4, listener.said.port))
  expect(program.said.port).not.toBe(MASQUERADED_PORT)
  probe = new OwnersProbe(client.namespace, 'scan')
  const onWire = keyOf([client.ip4, MASQUERADED_PORT], [server.ip4, listener.said.port])
  expect(await probe.owner(onWire)).toMatchObject({ pid: program.pid })
})
