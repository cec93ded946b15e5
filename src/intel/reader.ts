import { Worker } from 'node:worker_threads'
import type { HashKey } from './indicators/half-sip-hash.ts'
import type { ListColumns } from './indicators/list-columns.ts'
import type { ReaderOrder, ReaderReport } from './messages.ts'
import type { UpdateOutcome, UpdatePlan } from './update/update-list.ts'

/** Fetches and reads lists. */
export interface ListReader {
  /** Reads a list as it was adopted. Rejects when the file cannot be read. */
  load(path: string, maxEntries: number): Promise<ListColumns>
  /** Has a list anew; `keptFile` is the version in force. `why` goes into the ledger with each request. */
  update(plan: UpdatePlan, keptFile: string, why: string): Promise<UpdateOutcome>
  stop(): Promise<void>
}

export interface ReaderOptions {
  readonly key: HashKey
  /** Puts a request on record; nothing is sent before it settles, and never when it rejects. */
  readonly record: (request: {
    readonly to: string
    readonly what: string
    readonly why: string
  }) => Promise<void>
}

/** A list of two million entries takes a tenth of it. */
const HEAP_MEGABYTES = 512

interface Unanswered {
  readonly why: string
  readonly settle: (answer: ListColumns | UpdateOutcome) => void
  readonly reject: (error: Error) => void
}

/** The thread starts with the first order: without lists there is none. When it breaks, the next order starts another. */
export function createListReader({ key, record }: ReaderOptions): ListReader {
  const unanswered = new Map<number, Unanswered>()
  let worker: Worker | undefined
  let number = 0

  function hear(report: ReaderReport): void {
    if (report.kind === 'hop') {
      const why = unanswered.get(report.order)?.why ?? 'list'
      const answer = (isOnRecord: boolean): void =>
        worker?.postMessage({ kind: 'recorded', number: report.number, isOnRecord } satisfies ReaderOrder)
      record({ to: report.to, what: report.what, why }).then(
        () => answer(true),
        () => answer(false),
      )
      return
    }
    const asked = unanswered.get(report.number)
    unanswered.delete(report.number)
    if (unanswered.size === 0) worker?.unref()
    if (report.kind === 'failed') asked?.reject(new Error(report.reason))
    else asked?.settle(report.kind === 'loaded' ? report.columns : report.outcome)
  }

  function fall(reason: string): void {
    worker = undefined
    const all = [...unanswered.values()]
    unanswered.clear()
    for (const { reject } of all) reject(new Error(reason))
  }

  function begin(): Worker {
    const started = new Worker(new URL('./worker.ts', import.meta.url), {
      workerData: { key },
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MEGABYTES },
    })
    started.on('message', hear)
    started.on('error', (error) => fall(error.message))
    started.on('exit', () => worker === started && fall('the reader of lists ended'))
    return started
  }

  const ask = <Answer extends ListColumns | UpdateOutcome>(
    why: string,
    order: (number: number) => ReaderOrder,
  ) =>
    new Promise<Answer>((resolve, reject) => {
      worker ??= begin()
      worker.ref()
      unanswered.set(++number, { why, settle: (answer) => resolve(answer as Answer), reject })
      worker.postMessage(order(number))
    })

  return {
    load: (path, maxEntries) =>
      ask<ListColumns>('', (number) => ({ kind: 'load', number, path, maxEntries })),
    update: (plan, keptFile, why) =>
      ask<UpdateOutcome>(why, (number) => ({ kind: 'update', number, plan, keptFile })),
    async stop() {
      const running = worker
      fall('Gatehouse stops')
      await running?.terminate()
    },
  }
}
