import { createInterface } from 'node:readline'
import { WebMessage, WebStart } from './spawn-contract.ts'

/** What comes from the core: the start, then news. `onEnd`: the core is gone, so are we. */
export interface CoreLines {
  readonly start: Promise<WebStart>
  onNews(listener: (message: WebMessage) => void): void
}

/** Reads the JSON lines of the core. `start` fails when the first line is not one. */
export function readCoreLines(input: NodeJS.ReadableStream, onEnd: () => void): CoreLines {
  const lines = createInterface({ input, crlfDelay: Infinity })
  const early: WebMessage[] = []
  let listener: ((message: WebMessage) => void) | undefined
  let isStarted = false
  const start = new Promise<WebStart>((resolve, reject) => {
    lines.on('line', (line) => {
      try {
        if (!isStarted) {
          isStarted = true
          return resolve(WebStart.parse(JSON.parse(line)))
        }
        const message = WebMessage.parse(JSON.parse(line))
        if (listener) listener(message)
        else early.push(message)
      } catch (error) {
        reject(error)
      }
    })
  })
  lines.on('close', onEnd)
  return {
    start,
    onNews(heard) {
      listener = heard
      for (const message of early.splice(0)) heard(message)
    },
  }
}
