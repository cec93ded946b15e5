import { connect } from 'node:net'

/**
 * Connects to HOST PORT and says `open` or `failed CODE`. With a third word it ends there; else it keeps the
 * connection and says `closed` when that is over.
 */
const [host = '', port = '', once] = process.argv.slice(2)
const socket = connect({ host, port: Number(port) }, () => {
  process.stdout.write('open\n')
  if (once) socket.destroy()
})
const giveUp = (): void => {
  if (socket.connecting) socket.destroy(Object.assign(new Error('no answer'), { code: 'TIMEOUT' }))
}
// What came while this process did not get a turn is looked at first.
const patience = setTimeout(() => setImmediate(giveUp), 700)
socket.on('error', (error: NodeJS.ErrnoException) => process.stdout.write(`failed ${error.code}\n`))
socket.on('close', () => {
  clearTimeout(patience)
  if (!once) process.stdout.write('closed\n')
})
