import { openingTransactions } from '#enforce/crash-order.ts'
import { type Guard, startCrashGuard } from '#enforce/start-guard.ts'
import { KernelError } from '#kernel/libc.ts'
import { Restart } from '#lib/restart.ts'
import type { PartHealth } from '#model/health.ts'
import type { RuleFiles } from './rule-files.ts'

export interface OnCrashOptions {
  /** All tables of ours. */
  readonly tables: readonly string[]
  readonly files: Pick<RuleFiles, 'pendingFile' | 'rolledBackFile'>
  readonly say: (text: string) => void
}

/** What happens when the daemon dies: here a process beside it that opens everything. */
export interface OnCrash {
  readonly health: PartHealth
  /** The daemon stops as it should: nothing is opened. */
  stop(): void
}

/** Starts the guard, and again when it ends by itself. */
export async function failOpen({ tables, files, say }: OnCrashOptions): Promise<OnCrash> {
  let guard: Guard | undefined
  let trouble: string | undefined
  let isStopped = false
  const restart = new Restart({ start: () => void start(), now: () => performance.now() })

  async function start(): Promise<void> {
    restart.began()
    try {
      const transactions = openingTransactions(tables).map((bytes) => Buffer.from(bytes).toString('base64'))
      const { pendingFile, rolledBackFile } = files
      const started = await startCrashGuard({ transactions, pendingFile, rolledBackFile }, ended)
      if (isStopped) started.stop()
      guard = started
      trouble = undefined
    } catch (error) {
      failed(error instanceof KernelError ? `${error.message} (${error.code})` : (error as Error).message)
    }
  }

  function ended(): void {
    guard = undefined
    failed('the process that would do it ended')
  }

  function failed(why: string): void {
    trouble = why
    if (isStopped) return
    say(`When Gatehouse dies now, rules and blocks stay: ${why}. It is tried again.`)
    restart.ended()
  }

  await start()
  return {
    get health(): PartHealth {
      const part = 'fail open'
      if (trouble === undefined) return { part, state: 'ok', note: 'rules and blocks go when Gatehouse dies' }
      return {
        part,
        state: 'degraded',
        reason: `rules and blocks would stay when Gatehouse dies: ${trouble}`,
        remedy: 'None needed: it is tried again; or set rules.onCrash: keep',
      }
    },
    stop() {
      isStopped = true
      restart.stop()
      guard?.stop()
    },
  }
}
