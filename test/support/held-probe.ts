import { once } from 'node:events'
import { createServer } from 'node:net'
import { createInterface } from 'node:readline'
import { type Owners, startOwners } from '#identify/owners/thread.ts'
import type { Owner, SocketKey } from '#model/owner.ts'
import { runShortLived } from './short-lived.ts'

/**
 * Runs in a network namespace of a test, where it may hold packets. Argument: the sources of owners, with commas. A line
 * PROGRAM KIND COUNT on stdin runs short-lived programs and is answered by a line of JSON, as is each change of health;
 * a line `bytes` asks for the bytes of programs, a line of JSON for the owner of that key.
 */
const [TCP, UDP, FIRST_UDP_PORT] = [6, 17, 10_000]

export interface ShortLivedReport {
  readonly kind: 'ran'
  /** Known by pid, path and command line. */
  readonly found: number
  readonly sources: readonly string[]
}

const say = (value: unknown): void => void process.stdout.write(`${JSON.stringify(value)}\n`)
const owners = startOwners({ sources: (process.argv[2] ?? '').split(',') as never })
const server = createServer((socket) => socket.on('error', () => {}).resume()).listen(0, '127.0.0.1')
await once(server, 'listening')
const serverPort = (server.address() as { port: number }).port

let told = ''
const tellHealth = setInterval(() => {
  const { state } = owners.health
  const text = state === 'ok' ? `ok: ${owners.health.note}` : `${state}: ${owners.health.reason}`
  if (text !== told) say({ kind: 'health', health: text })
  told = text
}, 20)

for await (const line of createInterface({ input: process.stdin })) {
  const [program = '', kind = '', count = ''] = line.split(' ')
  if (line === 'bytes') say({ kind: 'bytes', report: await owners.programBytes() })
  else if (line.startsWith('{')) say(await ask(JSON.parse(line)))
  else say(await runMany(program, kind, Number(count)))
}
clearInterval(tellHealth)
await owners.stop()
server.close()

async function ask(key: SocketKey): Promise<unknown> {
  const answers = await askAll(owners, [key])
  return { kind: 'owner', owner: answers.get(textOf(key)) }
}

async function runMany(program: string, kind: string, count: number): Promise<ShortLivedReport> {
  const asked: { readonly key: SocketKey; readonly pid: number }[] = []
  for (let run = 0; run < count; run++) {
    const peerPort = kind === 'tcp' ? serverPort : FIRST_UDP_PORT + run
    const args = ['127.0.0.1', String(peerPort), `${(run % 15) + 1}000`, kind]
    const { localPort, pid } = await runShortLived(program, args)
    asked.push({ key: keyOf(kind === 'tcp' ? TCP : UDP, localPort, peerPort), pid })
  }
  const answers = await askAll(
    owners,
    asked.map(({ key }) => key),
  )
  const found = asked.flatMap(({ key, pid }) => {
    const owner = answers.get(textOf(key))
    const isKnown =
      owner?.pid === pid && owner.path === program && owner.commandLine.startsWith(`${program} `)
    return isKnown ? [owner] : []
  })
  return { kind: 'ran', found: found.length, sources: [...new Set(found.map(({ source }) => source))] }
}

function askAll(of: Owners, keys: readonly SocketKey[]): Promise<Map<string, Owner | undefined>> {
  const found = new Map<string, Owner | undefined>()
  return new Promise((resolve) => {
    of.onAnswer((answers) => {
      for (const { key, owner } of answers) found.set(textOf(key), owner)
      if (keys.every((key) => found.has(textOf(key)))) resolve(found)
    })
    of.request(keys)
  })
}

function keyOf(protocol: number, localPort: number, peerPort: number): SocketKey {
  return { protocol, localAddress: '127.0.0.1', localPort, peerAddress: '127.0.0.1', peerPort }
}

function textOf(key: SocketKey): string {
  return `${key.localPort} ${key.peerPort}`
}
