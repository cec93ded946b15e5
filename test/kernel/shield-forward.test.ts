import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect } from 'vitest'
import { type Gateway, layGateway } from '../support/gateway.ts'
import type { NamespaceHost } from '../support/namespaces.ts'
import { testWith } from '../support/needs.ts'

/** A gateway that hides a network behind its own address, as a home router does, and whose own port is shielded. */
const test = testWith('root', 'ip', 'nft')
const HOLDER = fileURLToPath(new URL('../support/shield-holder.ts', import.meta.url))
const PORT = 8080
const masquerade = (link: string): string =>
  `table ip home { chain out { type nat hook postrouting priority 100; ip saddr 198.51.100.0/24 oifname "${link}" masquerade; }; }\n`

let net: Gateway

beforeEach(() => {
  net = layGateway()
})

afterEach(() => net.remove())

const SERVICE = `
  import { createServer } from 'node:net'
  createServer((socket) => socket.on('error', () => {}).end(socket.remoteAddress)).listen(${PORT}, '0.0.0.0', () => console.log('listening'))
`
/** What the service at this address says: whom it sees. */
const call = (address: string): string =>
  net.client
    .run(
      process.execPath,
      '--input-type=module',
      '-e',
      `import { connect } from 'node:net'
       const socket = connect({ port: ${PORT}, host: '${address}', timeout: 5000 })
       const end = (word) => { console.log(word); process.exit() }
       socket.on('data', end).on('timeout', () => end('timeout')).on('error', (error) => end(error.code))
       socket.setEncoding('utf8')`,
    )
    .trim()

const started = (host: NamespaceHost, ...words: string[]): Promise<string> => {
  const child = host.start(process.execPath, ...words)
  return new Promise((resolve) => child.stdout?.once('data', (bytes: Buffer) => resolve(`${bytes}`.trim())))
}

test('the shield of a gateway does not touch what passes through it: NAT goes on, and its own port is proxied', async () => {
  const { server, gateway, clientAddress, gatewayAddress } = net
  gateway.run('nft', masquerade(gateway.link))
  for (const host of [server, gateway]) await started(host, '--input-type=module', '-e', SERVICE)
  // The server has no way back to the client but the address of the gateway.
  expect(call(server.ip4)).toBe(gateway.ip4)
  expect(await started(gateway, HOLDER, `${PORT}`, clientAddress)).toBe('up')
  expect(call(server.ip4)).toBe(gateway.ip4)
  expect(call(gatewayAddress)).toBe(clientAddress)
  expect(gateway.run('nft', 'list', 'table', 'inet', 'gatehouse_shield')).toMatch(
    /packets [1-9]\d* bytes \d+ synproxy/,
  )
})
