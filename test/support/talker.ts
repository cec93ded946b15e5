import { createSocket } from 'node:dgram'
import { connect } from 'node:net'

/**
 * Holds three connections to PORT: TCP by HOST4 and HOST6, and a connected UDP socket to HOST4. Says `open` when all
 * are up, and `closed 4`, `closed 6`, `closed udp` as they end. Says a few bytes on each now and then.
 */
const [host4 = '', host6 = '', port = ''] = process.argv.slice(2)
let open = 0
const opened = (): void => {
  if (++open === 3) process.stdout.write('open\n')
}

for (const [family, host] of [
  ['4', host4],
  ['6', host6],
] as const) {
  const socket = connect({ host, port: Number(port) }, () => {
    socket.write('hello '.repeat(100))
    opened()
  })
  const talk = setInterval(() => socket.write('still here'), 300)
  socket.on('error', () => undefined)
  socket.on('close', () => {
    clearInterval(talk)
    process.stdout.write(`closed ${family}\n`)
  })
}

const udp = createSocket('udp4')
udp.connect(Number(port), host4, () => {
  udp.send('hello')
  opened()
})
const talkUdp = setInterval(() => udp.send('still here'), 300)
udp.on('error', (error: NodeJS.ErrnoException) => {
  // A closed port of the peer is no end of the socket.
  if (error.code === 'ECONNREFUSED') return
  clearInterval(talkUdp)
  process.stdout.write('closed udp\n')
})
