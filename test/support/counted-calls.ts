import { connect } from 'node:net'

/** Connects to HOST PORT, COUNT times one after the other, and says how many of them were answered with some bytes. */
const [host = '', port = '', count = ''] = process.argv.slice(2)

const isAnswered = (): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ port: Number(port), host, timeout: 4_000 })
    const end = (is: boolean): void => {
      socket.destroy()
      resolve(is)
    }
    socket.on('data', () => end(true))
    socket.on('timeout', () => end(false))
    socket.on('error', () => end(false))
  })

let answered = 0
for (let call = 0; call < Number(count); call++) if (await isAnswered()) answered++
process.stdout.write(`${answered}\n`)
