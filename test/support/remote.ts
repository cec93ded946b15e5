import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'

/** A script of ours that answers requests: see answer-requests.ts. A namespace belongs to a process, so it is one of its own. */
export interface Remote {
  ask<Answer>(request: string, argument?: unknown): Promise<Answer>
  /** As a crash would: SIGKILL. Settles when it is dead. */
  kill(): Promise<void>
}

/** Runs a script beside this file within a network namespace. `wrapper` goes in front of it, such as setpriv. */
export function startRemote(namespace: string, script: string, wrapper: readonly string[] = []): Remote {
  const path = new URL(script, import.meta.url).pathname
  const child = spawn('ip', ['netns', 'exec', namespace, ...wrapper, process.execPath, path], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const dead = new Promise<void>((resolve) => child.on('exit', () => resolve()))
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  return {
    async ask<Answer>(request: string, argument?: unknown) {
      child.stdin.write(`${JSON.stringify({ request, argument })}\n`)
      const line = await lines.next()
      if (line.done) throw new Error(`${script} ended instead of answering ${request}`)
      return (JSON.parse(line.value) as { answer: Answer }).answer
    },
    kill() {
      child.kill('SIGKILL')
      return dead
    },
  }
}
