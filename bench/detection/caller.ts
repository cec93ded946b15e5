import { get } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'

/** URL COUNT PAUSE: asks so often, each time by a new connection. Says how long each answer took, in ms, `-` where there was none. */
const [url = '', count = '', pauseMs = ''] = process.argv.slice(2)
const PATIENCE_MS = 4_000

const answers: string[] = []
for (let n = 0; n < Number(count); n++) {
  const startedAt = performance.now()
  const isAnswered = await new Promise<boolean>((resolve) => {
    const request = get(url, { agent: false, timeout: PATIENCE_MS }, (response) =>
      response.resume().on('end', () => resolve(response.statusCode === 200)),
    )
    request.on('timeout', () => request.destroy()).on('error', () => resolve(false))
  })
  answers.push(isAnswered ? (performance.now() - startedAt).toFixed(1) : '-')
  await sleep(Number(pauseMs))
}
process.stdout.write(`${answers.join(' ')}\n`)
process.exit()
