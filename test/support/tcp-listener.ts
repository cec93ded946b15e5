import { createServer } from 'node:net'

/** Listens on all addresses, both families; says `listening PORT`, then `open PEER` and `closed PEER` per connection. */
const server = createServer((socket) => {
  const peer = socket.remoteAddress
  process.stdout.write(`open ${peer}\n`)
  // Unread bytes would hide that the peer is done.
  socket.resume()
  socket.on('error', () => undefined)
  socket.on('close', () => process.stdout.write(`closed ${peer}\n`))
})
server.listen(0, '::', () => {
  const address = server.address()
  if (address !== null && typeof address === 'object') process.stdout.write(`listening ${address.port}\n`)
})
