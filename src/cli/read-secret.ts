import { Failure } from './failure.ts'

const LONGEST = 1024
const ENTER = ['\r', '\n', '\u0004']
const INTERRUPT = '\u0003'
const ERASE = ['\u007f', '\b']

/** One line of `input` that is not echoed; from a pipe simply its first line. Throws `Failure` when interrupted. */
export async function readSecret(
  prompt: string,
  input: NodeJS.ReadStream,
  write: (text: string) => void,
): Promise<string> {
  if (!input.isTTY) return firstLine(input)
  write(prompt)
  input.setRawMode(true)
  input.setEncoding('utf8')
  try {
    return await typedLine(input)
  } finally {
    input.setRawMode(false)
    input.pause()
    write('\n')
  }
}

async function firstLine(input: NodeJS.ReadStream): Promise<string> {
  let text = ''
  for await (const chunk of input) {
    text += String(chunk)
    if (text.includes('\n') || text.length > LONGEST) break
  }
  return text.split(/\r?\n/)[0] ?? ''
}

function typedLine(input: NodeJS.ReadStream): Promise<string> {
  return new Promise((resolve, reject) => {
    const typed: string[] = []
    const take = (chunk: string): void => {
      const end = [...chunk].find((character) => press(typed, character))
      if (end === undefined) return
      input.off('data', take)
      if (end === INTERRUPT) reject(new Failure('Nothing was changed.'))
      else resolve(typed.join(''))
    }
    input.on('data', take)
    input.resume()
  })
}

/** Takes one key; true when it ends the line. */
function press(typed: string[], key: string): boolean {
  if (ENTER.includes(key) || key === INTERRUPT) return true
  if (ERASE.includes(key)) typed.pop()
  else if (typed.length < LONGEST) typed.push(key)
  return false
}
