import { createSocket } from 'node:dgram'

/** Asks ADDRESS PORT from one port of its own, again once it was answered: a line for each answer, or "lost" after five seconds. */
const [address = '', port = ''] = process.argv.slice(2)
const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4')
let waiting: NodeJS.Timeout
const ask = (): void => {
  socket.send('ask', Number(port), address)
  waiting = setTimeout(() => {
    process.stdout.write('lost\n')
    ask()
  }, 5_000)
}
socket.on('message', (bytes) => {
  clearTimeout(waiting)
  process.stdout.write(`${bytes}\n`)
  setTimeout(ask, 20)
})
ask()
