import { once } from 'node:events'
import { Duplex } from 'node:stream'
import { connect } from 'node:tls'

/** What a TLS client says first, as OpenSSL writes it. */
export async function clientHello(servername: string | undefined): Promise<Uint8Array> {
  const wire = new Duplex({
    read() {},
    write(chunk: Buffer, _encoding, done) {
      wire.emit('sent', chunk)
      done()
    },
  })
  const sent = once(wire, 'sent') as Promise<[Buffer]>
  const socket = connect({ socket: wire, ...(servername !== undefined && { servername }) })
  socket.on('error', () => {})
  const [bytes] = await sent
  socket.destroy()
  return Uint8Array.from(bytes)
}
