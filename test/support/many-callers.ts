import { connect, type Socket } from 'node:net'

/** Opens COUNT connections to HOST PORT, says `open` once all are, and keeps them until it is killed. */
const [host = '', port = '', count = '1'] = process.argv.slice(2)
const sockets = Array.from({ length: Number(count) }, () => connect({ host, port: Number(port) }))
await Promise.all(
  sockets.map(
    (socket: Socket) => new Promise((resolve) => socket.on('connect', resolve).on('error', resolve)),
  ),
)
process.stdout.write('open\n')
