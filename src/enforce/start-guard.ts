import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { startDetachedNode } from '#kernel/detached-node.ts'
import { GUARD_READY, GUARD_STOP, type GuardOrder } from './guard-order.ts'

const SCRIPT = fileURLToPath(new URL('guard.ts', import.meta.url))
const STARTS_WITHIN_MS = 10_000

export interface Guard {
  readonly pid: number | undefined
  /** It is not needed any more. */
  stop(): void
}

/** Starts the guard and waits until it holds the way back. Throws when it does not come up: then change nothing. */
export async function startGuard(order: GuardOrder): Promise<Guard> {
  const child = startDetachedNode(SCRIPT)
  child.stdin.on('error', () => {})
  const ready = Promise.withResolvers<void>()
  const failed = (why: string): void => ready.reject(new Error(`the guard did not start: ${why}`))
  const timer = setTimeout(() => failed('it said nothing'), STARTS_WITHIN_MS)
  child.on('error', (error) => failed(error.message))
  child.on('exit', (code, signal) => failed(`it ended (${signal ?? code})`))
  createInterface({ input: child.stdout }).once('line', (line) =>
    line === GUARD_READY ? ready.resolve() : failed(line),
  )
  child.stdin.write(`${JSON.stringify(order)}\n`)
  try {
    await ready.promise
  } catch (error) {
    child.kill('SIGKILL')
    throw error
  } finally {
    clearTimeout(timer)
  }
  return { pid: child.pid, stop: () => void child.stdin.write(`${GUARD_STOP}\n`) }
}
