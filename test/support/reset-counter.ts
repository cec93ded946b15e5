import { connect } from 'node:net'

/** Opens COUNT connections to HOST PORT and says how they end: `ECONNREFUSED 100`. Each waits 5 s at the most. */
const [host = '', port = '', count = ''] = process.argv.slice(2)

const endOfOne = (): Promise<string> =>
  new Promise((resolve) => {
    const socket = connect({ host, port: Number(port), timeout: 5_000 })
    socket.resume()
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    socket.on('timeout', () => socket.destroy(new Error('silence')))
    socket.on('end', () => resolve('end'))
  })

const ends = await Promise.all(Array.from({ length: Number(count) }, endOfOne))
const counts = Map.groupBy(ends, (end) => end)
process.stdout.write(`${[...counts].map(([end, { length }]) => `${end} ${length}`).join(', ')}\n`)
