import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { DropCount } from '#enforce/enforcer.ts'
import type { PartHealth } from '#model/health.ts'

/** The enforcer of lists of another process: see list-child.ts. */
export interface RemoteLists {
  hold(lists: Readonly<Record<string, readonly string[]>>): Promise<boolean>
  holdMany(count: number): Promise<{ isDone: boolean; tookMs: number; stallMs: number }>
  spare(targets: readonly string[]): Promise<void>
  drops(): Promise<Record<string, DropCount>>
  called(): Promise<string[]>
  verify(): Promise<void>
  health(): Promise<PartHealth | null>
  repairs(): Promise<string[]>
  stop(keep: boolean): Promise<void>
  /** As a crash would: SIGKILL. Settles when it is dead. */
  kill(): Promise<void>
}

const CHILD = new URL('list-child.ts', import.meta.url).pathname

export function runLists(namespace: string): RemoteLists {
  const child = spawn('ip', ['netns', 'exec', namespace, process.execPath, CHILD], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const dead = new Promise<void>((resolve) => child.on('exit', () => resolve()))
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()

  const ask = async <Answer>(request: string, argument?: unknown): Promise<Answer> => {
    child.stdin.write(`${JSON.stringify({ request, argument })}\n`)
    const line = await lines.next()
    if (line.done) throw new Error(`the lists ended instead of answering ${request}`)
    return (JSON.parse(line.value) as { answer: Answer }).answer
  }

  return {
    hold: (lists) => ask('hold', lists),
    holdMany: (count) => ask('holdMany', count),
    spare: (targets) => ask('spare', targets),
    drops: () => ask('drops'),
    called: () => ask('called'),
    verify: () => ask('verify'),
    health: () => ask('health'),
    repairs: () => ask('repairs'),
    stop: (keep) => ask('stop', keep),
    kill: () => {
      child.kill('SIGKILL')
      return dead
    },
  }
}
