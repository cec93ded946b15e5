import { connect, createServer } from 'node:net'

/** Passes on what comes in to HOST PORT, both ways, as a proxy or a pivot does. Says `listening PORT`. */
const [host = '', port = ''] = process.argv.slice(2)
const server = createServer((caller) => {
  const onward = connect({ host, port: Number(port) })
  caller.pipe(onward).pipe(caller)
  for (const socket of [caller, onward]) socket.on('error', () => socket.destroy())
})
server.listen(0, '::', () => {
  const address = server.address()
  if (address !== null && typeof address === 'object') process.stdout.write(`listening ${address.port}\n`)
})
