import { spawn } from 'node:child_process'
import { LineSplitter } from '#lib/line-splitter.ts'
import { asOthers } from './priority.ts'
import { programPath } from './run.ts'

export interface Following {
  stop(): void
}

/**
 * Runs a program of the system that prints as long as it runs, without a shell and with an environment that holds
 * nothing of ours, and hands on each line. `ended` says once why it is over; not after `stop`. It dies with us: its pipe
 * has no reader then.
 */
export function followProgram(
  name: string,
  args: readonly string[],
  { line, ended }: { readonly line: (text: string) => void; readonly ended: (reason: string) => void },
): Following {
  let isOver = false
  const end = (reason: string): void => {
    if (isOver) return
    isOver = true
    ended(reason)
  }
  const path = programPath(name)
  if (path === undefined) {
    queueMicrotask(() => end(`${name} is not installed`))
    return {
      stop() {
        isOver = true
      },
    }
  }
  const child = asOthers(() =>
    spawn(path, args, { env: { LC_ALL: 'C' }, cwd: '/', stdio: ['ignore', 'pipe', 'pipe'] }),
  )
  const lines = new LineSplitter(line, () => {})
  let complaint = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => lines.write(text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint = (complaint + text).slice(0, 200)
  })
  child.on('error', ({ message }) => end(message))
  child.on('close', (code, signal) => end(complaint.trim() || `it ended with ${code ?? signal}`))
  return {
    stop() {
      isOver = true
      child.kill('SIGTERM')
    },
  }
}
