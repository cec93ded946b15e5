import { connect, createServer } from 'node:net'

/**
 * `serve`: echoes what comes, and says `listening PORT`. HOST PORT: sends a byte all the time, and says `tick` and when
 * (milliseconds since the epoch) for what comes back, `failed CODE` and `closed`.
 */
const TICK_MS = 20
const [host = '', port = ''] = process.argv.slice(2)
const say = (line: string): void => void process.stdout.write(`${line}\n`)
const failed = (error: NodeJS.ErrnoException): void => say(`failed ${error.code}`)

if (host === 'serve') {
  const server = createServer((socket) => socket.on('error', failed).pipe(socket))
  server.listen(0, '0.0.0.0', () => {
    const address = server.address()
    if (address !== null && typeof address === 'object') say(`listening ${address.port}`)
  })
} else {
  const socket = connect({ host, port: Number(port) })
  socket.on('error', failed)
  socket.on('data', () => say(`tick ${Date.now()}`))
  const ticking = setInterval(() => socket.write('x'), TICK_MS)
  socket.on('close', () => {
    clearInterval(ticking)
    say('closed')
  })
}
