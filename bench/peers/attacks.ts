import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import type { NamespaceHost } from '../../test/support/namespaces.ts'
import { findProgram } from '../bench.ts'
import { framesTo, type LoadWire, type Sent } from '../detection/load.ts'
import { sendingFrames } from '../detection/stage.ts'

const PORTS = 40
const [SHARERS, PORTS_EACH] = [20, 5]
const RETRIES = 30
const RETRY_MS = 400
const [FLOOD_PER_SECOND, FLOOD_SECONDS] = [4_000, 5]

/** Where an attack comes from and goes to. */
export interface Field {
  readonly from: NamespaceHost
  readonly server: NamespaceHost
  /** For files. */
  readonly folder: string
}

export const neighbour = ({ ip4 }: NamespaceHost, last: number): string => ip4.replace(/\.\d+$/, `.${last}`)

/** A port every millisecond or so, each in all of these names at once, as nmap -D does. */
export function scan(field: Field, names: readonly string[]): Promise<SentAt> {
  const { from, server } = field
  const frame = framesTo(server, { from })
  const frames = Array.from({ length: PORTS }, (_, port) =>
    names.map((name) =>
      frame({ from: `${name}:${45_000 + port}`, to: `${server.ip4}:${100 + port}`, flags: 'S', options: 4 }),
    ),
  )
  return send(field, frames, 1)
}

/** Twenty addresses that are really there, five ports each and no port twice. Answers them when all is sent. */
export async function shareOut(field: Field): Promise<readonly string[]> {
  const { from, server } = field
  const addresses = Array.from({ length: SHARERS }, (_, n) => neighbour(server, 200 + n))
  for (const address of addresses) from.run('ip', 'addr', 'add', `${address}/24`, 'dev', from.link)
  const frame = framesTo(server, { from })
  const frames = Array.from({ length: PORTS_EACH }, (_, round) =>
    addresses.map((address, n) => [
      frame({
        ...{ from: `${address}:${45_000 + round}`, to: `${server.ip4}:${300 + n * PORTS_EACH + round}` },
        ...{ flags: 'S', options: 4 },
      }),
    ]),
  ).flat()
  await send(field, frames, 20)
  return addresses
}

/** When each was sent, filled as they are: process.hrtime.bigint(). */
export type SentAt = readonly bigint[]

/** Answers when the first has left. */
async function send(
  { from, folder }: Field,
  frames: readonly (readonly Uint8Array[])[],
  pauseMs: number,
): Promise<SentAt> {
  const command = sendingFrames(from, frames, { file: join(folder, 'frames'), pauseMs })
  const child = from.start('sh', '-c', `exec ${command}`)
  const lines = createInterface({ input: child.stdout as Readable })
  const sentAt: bigint[] = []
  lines.on('line', (line) => sentAt.push(BigInt(line)))
  await once(lines, 'line')
  return sentAt
}

/** Each packet from another address, and none of them is anybody's. */
export const floodForged = (wire: LoadWire): Promise<Sent> =>
  wire.send({ shape: 'forged-syn', port: 80, perSecond: FLOOD_PER_SECOND, seconds: FLOOD_SECONDS })

/** A program whose service is down: it tries again and again. Answers how often. */
export async function retryClosedPort({ from, server }: Field): Promise<number> {
  const script = `
    import { connect } from 'node:net'
    for (let n = 0; n < ${RETRIES}; n++) {
      connect(5432, '${server.ip4}').on('error', () => {})
      await new Promise((resolve) => setTimeout(resolve, ${RETRY_MS}))
    }
    process.exit()`
  await once(from.start(process.execPath, '--input-type=module', '-e', script), 'exit')
  return RETRIES
}

/** Slowloris, for longer than it is waited for. Answers whether there is a program for it. */
export function holdConnections({ from, server }: Field): boolean {
  if (findProgram('slowhttptest') === undefined) return false
  const options = ['-c', '120', '-H', '-i', '3', '-r', '60', '-l', '12', '-u', `http://${server.ip4}/long`]
  from.start('slowhttptest', ...options).stdout?.resume()
  return true
}
