import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { DropCount, EnforcedBlock } from '#enforce/enforcer.ts'
import type { DestroyOutcome } from '#kernel/sock-destroy.ts'
import type { PartHealth } from '#model/health.ts'
import type { SocketKey } from '#model/owner.ts'

/** The enforcer of another process: see enforcer-child.ts. */
export interface RemoteEnforcer {
  start(): Promise<EnforcedBlock[]>
  block(target: string, forSeconds?: number, note?: string): Promise<boolean>
  /** Lets few packets of the address through. */
  limit(target: string, forSeconds: number): Promise<boolean>
  blockMany(blocks: readonly { target: string; until?: number; note: string }[]): Promise<boolean>
  unblock(target: string): Promise<boolean>
  closeSockets(target: string): Promise<number>
  closeSocket(key: SocketKey): Promise<DestroyOutcome>
  /** Verifies first, so the figures are of now. */
  counters(): Promise<Record<string, DropCount>>
  verify(): Promise<PartHealth>
  /** Verifies while a block comes at each turn of the event loop; answers how many came. */
  verifyAmidBlocks(network: string): Promise<number>
  health(): Promise<PartHealth>
  repairs(): Promise<string[]>
  stop(keep: boolean): Promise<void>
  /** As a crash would: SIGKILL. Settles when it is dead. */
  kill(): Promise<void>
}

const CHILD = new URL('enforcer-child.ts', import.meta.url).pathname

export interface EnforcerOptions {
  /** Goes in front of the command, such as setpriv. */
  readonly wrapper?: readonly string[]
}

/** Runs an enforcer in a namespace. */
export function runEnforcer(namespace: string, options: EnforcerOptions = {}): RemoteEnforcer {
  const command = [...(options.wrapper ?? []), process.execPath, CHILD]
  const child = spawn('ip', ['netns', 'exec', namespace, ...command], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const dead = new Promise<void>((resolve) => child.on('exit', () => resolve()))
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()

  const ask = async <Answer>(request: string, argument?: unknown): Promise<Answer> => {
    child.stdin.write(`${JSON.stringify({ request, argument })}\n`)
    const line = await lines.next()
    if (line.done) throw new Error(`the enforcer ended instead of answering ${request}`)
    return (JSON.parse(line.value) as { answer: Answer }).answer
  }

  return {
    start: () => ask('start'),
    block: (target, forSeconds, note = 'test') =>
      ask('block', {
        target,
        note,
        ...(forSeconds !== undefined && { until: Date.now() + forSeconds * 1000 }),
      }),
    limit: (target, forSeconds) =>
      ask('block', { target, note: 'test', effect: 'limit', until: Date.now() + forSeconds * 1000 }),
    blockMany: (blocks) => ask('blockMany', blocks),
    unblock: (target) => ask('unblock', target),
    closeSockets: (target) => ask('closeSockets', target),
    closeSocket: (key) => ask('closeSocket', key),
    counters: () => ask('counters'),
    verify: () => ask('verify'),
    verifyAmidBlocks: (network) => ask('verifyAmidBlocks', network),
    health: () => ask('health'),
    repairs: () => ask('repairs'),
    stop: (keep) => ask('stop', keep),
    kill: () => {
      child.kill('SIGKILL')
      return dead
    },
  }
}
