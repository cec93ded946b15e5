import { createServer } from 'node:net'

/** Says `ok` to whoever connects to PORT, and ends it. Says `listening` once it does. */
const port = Number(process.argv[2])
createServer((socket) => socket.on('error', () => {}).end('ok')).listen(port, () =>
  process.stdout.write('listening\n'),
)
