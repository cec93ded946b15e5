import { Resolver } from 'node:dns/promises'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { clientHello } from './client-hello.ts'

/**
 * Asks for a name or not, connects, says something, and stays. Settings: the first word of the command line, as JSON.
 * Says the local port and when it connected, as JSON.
 */
export interface NameCallerSettings {
  readonly port: number
  /** The address, where no name is asked for. */
  readonly host?: string
  readonly resolve?: { readonly server: string; readonly name: string }
  /** Begins TLS with this server name, in pieces of so many bytes. */
  readonly tls?: { readonly name: string; readonly pieces?: number }
  /** Sends a request with this Host. */
  readonly http?: string
}

export interface NameCallerSaid {
  readonly port: number
  /** Milliseconds since the epoch. */
  readonly at: number
}

const settings = JSON.parse(process.argv[2] ?? '{}') as NameCallerSettings

async function addressOf({ host, resolve }: NameCallerSettings): Promise<string> {
  if (!resolve) return host ?? '127.0.0.1'
  const resolver = new Resolver({ timeout: 2_000 })
  resolver.setServers([resolve.server])
  const [address] = await resolver.resolve4(resolve.name)
  if (address === undefined) throw new Error(`${resolve.name} has no address`)
  return address
}

async function speak(socket: Socket, { tls, http }: NameCallerSettings): Promise<void> {
  if (http !== undefined) socket.write(`GET / HTTP/1.1\r\nHost: ${http}\r\n\r\n`)
  if (!tls) return
  const hello = await clientHello(tls.name)
  const size = tls.pieces ?? hello.length
  for (let at = 0; at < hello.length; at += size) {
    socket.write(hello.subarray(at, at + size))
    await sleep(20)
  }
}

const socket = connect(settings.port, await addressOf(settings))
socket.setNoDelay(true)
socket.on('connect', () => {
  const said: NameCallerSaid = { port: socket.localPort ?? 0, at: Date.now() }
  process.stdout.write(`${JSON.stringify(said)}\n`)
  void speak(socket, settings)
})
