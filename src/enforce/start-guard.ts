import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { type DetachedNode, startDetachedNode } from '#kernel/detached-node.ts'
import type { CrashOrder } from './crash-order.ts'
import { GUARD_READY, GUARD_STOP, type GuardOrder } from './guard-order.ts'

const GUARD = fileURLToPath(new URL('guard.ts', import.meta.url))
const CRASH_GUARD = fileURLToPath(new URL('crash-guard.ts', import.meta.url))
const STARTS_WITHIN_MS = 10_000

export interface Guard {
  readonly pid: number | undefined
  /** It is not needed any more. */
  stop(): void
}

/** Starts the guard and waits until it holds the way back. Throws when it does not come up: then change nothing. */
export const startGuard = async (order: GuardOrder): Promise<Guard> => guardOf(await ordered(GUARD, order))

/**
 * Starts the guard that takes our tables away once this process is gone without a word. `onGone`: the guard itself
 * ended unasked. Throws when it does not come up.
 */
export async function startCrashGuard(order: CrashOrder, onGone: () => void): Promise<Guard> {
  const child = await ordered(CRASH_GUARD, order)
  child.once('exit', onGone)
  const guard = guardOf(child)
  return {
    pid: guard.pid,
    stop() {
      child.off('exit', onGone)
      guard.stop()
    },
  }
}

const guardOf = (child: DetachedNode): Guard => ({
  pid: child.pid,
  stop: () => void child.stdin.write(`${GUARD_STOP}\n`),
})

/** The process, once it said that it is ready for its order. */
async function ordered(script: string, order: object): Promise<DetachedNode> {
  const child = startDetachedNode(script)
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
    return child
  } catch (error) {
    child.kill('SIGKILL')
    throw error
  } finally {
    clearTimeout(timer)
  }
}
