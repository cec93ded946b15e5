import { connect } from 'node:net'

/**
 * Does what honest programs do: SERVER OPEN-PORT CLOSED-PORT LOCAL-ADDRESS. Sixty connections at once to the open
 * port, and forty tries of the closed one. Says how many connections came about.
 */
const [host = '', openPort = '', closedPort = '', localAddress = ''] = process.argv.slice(2)

const tryOnce = (port: string): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ host, port: Number(port), localAddress, timeout: 3_000 }, () => {
      socket.end()
      resolve(true)
    })
    socket.on('error', () => resolve(false))
    socket.on('timeout', () => socket.destroy(new Error('no answer')))
  })

const together = await Promise.all(Array.from({ length: 60 }, () => tryOnce(openPort)))
for (let n = 0; n < 40; n++) await tryOnce(closedPort)
process.stdout.write(`${together.filter(Boolean).length}\n`)
