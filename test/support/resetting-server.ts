import { createServer } from 'node:net'

/** Takes connections, and aborts all of them at once when so many are open: COUNT. Says `listening PORT`. */
const count = Number(process.argv[2])
const open = new Set<import('node:net').Socket>()
const server = createServer((socket) => {
  open.add(socket.on('error', () => undefined))
  if (open.size === count) for (const each of open) each.resetAndDestroy()
})
server.listen(0, '0.0.0.0', 1_024, () => {
  const address = server.address()
  if (typeof address === 'object') process.stdout.write(`listening ${address?.port}\n`)
})
