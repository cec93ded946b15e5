import { getPriority, setPriority } from 'node:os'
import { parentPort, workerData } from 'node:worker_threads'
import { buffersOf, type ListColumns } from './indicators/list-columns.ts'
import type { ReaderOrder, ReaderReport, ReaderStart } from './messages.ts'
import type { Hop } from './update/guarded-request.ts'
import { loadKept } from './update/kept-list.ts'
import { updateList } from './update/update-list.ts'

/**
 * The thread that fetches and reads lists: what strangers write is parsed here, with memory of its own, and never
 * keeps the main thread from shutting the gate.
 */
const TIMEOUTS = { idleMs: 30_000, totalMs: 600_000 }

// It is started by the thread that shuts the gate, and would be as eager; on Linux 0 is this thread (setpriority(2)).
if (getPriority(0) < 0) setPriority(0, 0)

const port = parentPort
if (!port) throw new Error('worker.ts runs as a worker thread')
const { key } = workerData as ReaderStart
const waiting = new Map<number, (isOnRecord: boolean) => void>()
let hops = 0

port.on('message', (order: ReaderOrder) => {
  if (order.kind === 'recorded') {
    waiting.get(order.number)?.(order.isOnRecord)
    waiting.delete(order.number)
    return
  }
  obey(order).catch((error: Error) => tell({ kind: 'failed', number: order.number, reason: error.message }))
})

async function obey(order: Exclude<ReaderOrder, { kind: 'recorded' }>): Promise<void> {
  const { number } = order
  if (order.kind === 'load') {
    const columns = await loadKept(order.path, { key, maxEntries: order.maxEntries })
    tell({ kind: 'loaded', number, columns }, columns)
    return
  }
  const { plan, keptFile } = order
  // Without the version in force, or with a broken one, only dates are lost.
  const before = await loadKept(keptFile, { key, maxEntries: plan.maxEntries }).catch(() => undefined)
  const beforeHop = (hop: Hop): Promise<void> => record(number, hop)
  const outcome = await updateList(plan, { key, before, timeouts: TIMEOUTS, beforeHop })
  tell({ kind: 'updated', number, outcome }, outcome.state === 'read' ? outcome.columns : undefined)
}

/** Nothing goes out before it is on record. */
function record(order: number, { url }: Hop): Promise<void> {
  const number = ++hops
  tell({ kind: 'hop', number, order, to: url.host, what: `GET ${url.pathname}` })
  return new Promise((resolve, reject) => {
    waiting.set(number, (isOnRecord) => {
      if (isOnRecord) resolve()
      else reject(new Error('the request could not be put on record'))
    })
  })
}

function tell(report: ReaderReport, columns?: ListColumns): void {
  port?.postMessage(report, columns ? buffersOf(columns) : [])
}
