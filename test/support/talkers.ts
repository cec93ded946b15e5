import type { ChildProcess } from 'node:child_process'
import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import type { NamespaceHost, Wire } from './namespaces.ts'

/** Addresses of several countries; within the two namespaces they are the client's, and nothing leaves those. */
export const ABROAD = {
  US: '8.8.8.8',
  NL: '193.0.6.139',
  BR: '200.160.2.3',
  JP: '133.11.0.1',
  AU: '203.2.218.1',
} as const

/** Starts a listener on a host and answers its port. */
export function listen(host: NamespaceHost): Promise<number> {
  const listener = host.start(process.execPath, 'test/support/tcp-listener.ts')
  return new Promise((resolve) => {
    listener.stdout?.on('data', (chunk: Buffer) => {
      const said = /listening (\d+)/.exec(String(chunk))
      if (said) resolve(Number(said[1]))
    })
  })
}

/** Gives the client addresses of several countries, and the server a way to them. */
export function layAbroad({ server, client }: Wire): void {
  for (const address of Object.values(ABROAD)) {
    client.run('ip', 'addr', 'add', `${address}/32`, 'dev', client.link)
    server.run('ip', 'route', 'add', `${address}/32`, 'dev', server.link)
  }
}

export interface Talk {
  /** What the program is called: a shell under another name, at a path of its own. */
  readonly program: string
  readonly to: readonly string[]
  readonly bytesEach: number
}

/** A program on the server that keeps a connection to each address open and says something every second. */
export function talk(server: NamespaceHost, folder: string, port: number, { program, to, bytesEach }: Talk) {
  const path = join(folder, program)
  copyFileSync('/bin/bash', path)
  const open = to.map((address, at) => `exec ${at + 10}<>/dev/tcp/${address}/${port}`).join('; ')
  const say = to.map((_, at) => `printf "%0${bytesEach}d" 0 >&${at + 10}`).join('; ')
  const child = server.start(
    path,
    '-c',
    `${open}; echo open; while true; do ${say}; read -r -t 1 _ <&10; done`,
  )
  return { path, child }
}

/**
 * Keeps so many UDP flows from the server to the client alive, with so many datagrams a second, until the answer is killed.
 * Nobody answers there: a refusal would end a flow.
 */
export async function talkToNobody(
  { server, client }: Wire,
  flows: number,
  perSecond: number,
): Promise<ChildProcess> {
  client.run('nft', 'add', 'table', 'ip', 'quiet')
  client.run('nft', 'add', 'chain', 'ip', 'quiet', 'in', '{ type filter hook input priority 0; }')
  client.run('nft', 'add', 'rule', 'ip', 'quiet', 'in', 'meta', 'l4proto', 'udp', 'drop')
  const numbers = [flows, perSecond].map(String)
  const talkers = server.start(process.execPath, 'test/support/many-talkers.ts', client.ip4, ...numbers)
  await new Promise((resolve) => talkers.stdout?.once('data', resolve))
  return talkers
}
