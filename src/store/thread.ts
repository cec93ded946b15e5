import { Worker } from 'node:worker_threads'
import { Restart } from '#lib/restart.ts'
import type { Usual } from '#model/baseline.ts'
import type { Opening } from '#model/call-home.ts'
import type { NewSighting, SeenFile } from '#model/first-seen.ts'
import type { Connection } from '#model/flow.ts'
import type { PartHealth } from '#model/health.ts'
import type { CountedMinute, CountedPeriod } from '#model/program-bytes.ts'
import type { Verification } from '#model/verification.ts'
import { readCursor } from './cursor.ts'
import { StoreError } from './failure.ts'
import type { Entry } from './journal.ts'
import type { Order, Query, Report, WorkerStart } from './messages.ts'
import type { StoreSettings } from './settings.ts'
import type {
  CountedRequest,
  FirstSeenRequest,
  Remembered,
  SearchRequest,
  SearchSlice,
  Slice,
  SliceRequest,
  Store,
  SummaryRequest,
  SummarySlice,
  TimelineRequest,
  TimelineSlice,
} from './store.ts'

/** Well under a second, so that a crash loses less than that also when the thread is busy. */
const FLUSH_MS = 500
const BATCH = 2000
/** Batches that the thread has and did not answer. */
const MAX_UNANSWERED = 2
const MAX_WAITING_FLOWS = 50_000
/** Only a thread that breaks again and again comes to this. */
const MAX_UNANSWERED_ORDERS = 100_000
const RESTART_FROM_MS = 1_000

export interface StoreOptions {
  /** Made where it is missing, for its owner alone. */
  readonly folder: string
  readonly settings: StoreSettings
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Flows that may wait for the thread; beyond it the oldest are dropped and counted. */
  readonly maxWaitingFlows?: number
}

/**
 * Opens the memory in `folder`, in a thread of its own. Rejects with a `StoreError` (message and hint) when
 * another instance has the folder, or a newer version or another program wrote the database. Anything else that
 * is wrong is `health`.
 */
export async function openStore(options: StoreOptions): Promise<Store> {
  const store = new StoreThread(options)
  await store.opened
  return store
}

interface Unanswered {
  readonly order: Exclude<Order, { kind: 'tick' | 'file' | 'keep' }>
  readonly resolve: (answer: unknown) => void
  readonly reject: (error: Error) => void
}

class StoreThread implements Store {
  readonly opened: Promise<void>
  readonly #options: StoreOptions
  readonly #maxWaiting: number
  readonly #unanswered = new Map<number, Unanswered>()
  /** By flow id: a report that was not sent yet gives way to the newer one. */
  readonly #waiting = new Map<number, Connection>()
  readonly #timer: NodeJS.Timeout
  #worker: Worker
  #remembered: Remembered | undefined
  #health: PartHealth = { part: 'store', state: 'ok', note: '' }
  #fallen: string | undefined
  readonly #restart: Restart
  #number = 0
  #batches = 0
  #dropped = 0
  #isClosing = false
  #sighted: (sightings: readonly NewSighting[]) => void = () => {}
  #begun: { readonly resolve: () => void; readonly reject: (error: Error) => void } | undefined

  constructor(options: StoreOptions) {
    this.#options = options
    this.#maxWaiting = options.maxWaitingFlows ?? MAX_WAITING_FLOWS
    this.opened = new Promise((resolve, reject) => {
      this.#begun = { resolve, reject }
    })
    this.#restart = new Restart({
      start: () => this.#startAgain(),
      now: () => performance.now(),
      firstMs: RESTART_FROM_MS,
    })
    this.#worker = this.#startWorker()
    this.#timer = setInterval(() => this.#beat(), FLUSH_MS)
    this.#timer.unref()
  }

  get remembered(): Remembered {
    if (!this.#remembered) throw new Error('the store is not open yet')
    return this.#remembered
  }

  get health(): PartHealth {
    if (this.#fallen) return fallenHealth(this.#fallen)
    if (this.#dropped === 0) return this.#health
    const dropped = `${this.#dropped} records were dropped because the disk could not keep up`
    if (this.#health.state === 'ok') {
      return {
        part: 'store',
        state: 'degraded',
        reason: dropped,
        remedy: 'A faster disk, or fewer interfaces',
      }
    }
    return { ...this.#health, reason: `${this.#health.reason}. ${dropped}` }
  }

  recordFlows(connections: readonly Connection[]): void {
    for (const connection of connections) this.#waiting.set(connection.id, connection)
    if (this.#waiting.size >= BATCH) this.#flush()
    this.#dropOldest()
  }

  async recordAlert(alert: Extract<Entry, { kind: 'alert' }>['alert']): Promise<void> {
    await this.#write({ kind: 'alert', alert })
  }

  async recordDecision(...[decision, change]: Parameters<Store['recordDecision']>): Promise<void> {
    await this.#write({ kind: 'decision', decision, ...change })
  }

  async recordAllow(entries: Parameters<Store['recordAllow']>[0]): Promise<void> {
    await this.#write({ kind: 'allow', entries })
  }

  async recordEgress(entry: Extract<Entry, { kind: 'egress' }>['entry']): Promise<void> {
    await this.#write({ kind: 'egress', entry })
  }

  async recordTrust(trust: Parameters<Store['recordTrust']>[0]): Promise<void> {
    await this.#write({ kind: 'trust', trust })
  }

  async flows(request: Parameters<Store['flows']>[0]): Promise<Slice<Connection>> {
    if (request.cursor !== undefined) readCursor('flows', request.cursor)
    this.#flush()
    return (await this.#ask({ kind: 'flows', request })) as Slice<Connection>
  }

  async search(request: SearchRequest): Promise<SearchSlice> {
    if (request.cursor !== undefined) readCursor('flows', request.cursor)
    this.#flush()
    return (await this.#ask({ kind: 'search', request })) as SearchSlice
  }

  async summaries(request: SummaryRequest): Promise<SummarySlice> {
    this.#flush()
    return (await this.#ask({ kind: 'summaries', request })) as SummarySlice
  }

  async timeline(request: TimelineRequest) {
    this.#flush()
    return (await this.#ask({ kind: 'timeline', request })) as TimelineSlice
  }

  async firstSeen(request: FirstSeenRequest) {
    this.#flush()
    return (await this.#ask({ kind: 'firstSeen', request })) as Awaited<ReturnType<Store['firstSeen']>>
  }

  async programFiles(path: string) {
    return (await this.#ask({ kind: 'programFiles', path })) as Awaited<ReturnType<Store['programFiles']>>
  }

  recordProgramFile(file: SeenFile): void {
    if (this.#isClosing) return
    this.#worker.postMessage({ kind: 'file', now: this.#options.now(), file } satisfies Order)
  }

  onNewSightings(listener: (sightings: readonly NewSighting[]) => void): void {
    this.#sighted = listener
  }

  recordUsual(usual: readonly Usual[]): void {
    if (this.#isClosing || usual.length === 0) return
    this.#worker.postMessage({ kind: 'keep', now: this.#options.now(), usual } satisfies Order)
  }

  async usual() {
    return (await this.#ask({ kind: 'usual' })) as readonly Usual[]
  }

  async openings(since: number) {
    return (await this.#ask({ kind: 'openings', since })) as readonly Opening[]
  }

  async recordCounted(minutes: readonly CountedMinute[]) {
    return (await this.#ask({ kind: 'recordCounted', minutes, now: this.#options.now() })) as boolean
  }

  async counted(request: CountedRequest) {
    return (await this.#ask({ kind: 'counted', request })) as CountedPeriod
  }

  async alerts(request: SliceRequest) {
    return (await this.#ask({ kind: 'alerts', request })) as Awaited<ReturnType<Store['alerts']>>
  }

  async decisions(request: SliceRequest) {
    return (await this.#ask({ kind: 'decisions', request })) as Awaited<ReturnType<Store['decisions']>>
  }

  async egress(request: SliceRequest) {
    return (await this.#ask({ kind: 'egress', request })) as Awaited<ReturnType<Store['egress']>>
  }

  async decision(decisionId: number) {
    return (await this.#ask({ kind: 'decision', decisionId })) as Awaited<ReturnType<Store['decision']>>
  }

  async verify(head?: string) {
    return (await this.#ask({ kind: 'verify', ...(head !== undefined && { head }) })) as Verification
  }

  async close(): Promise<void> {
    if (this.#isClosing) return
    while (this.#waiting.size > 0) this.#sendBatch()
    this.#isClosing = true
    clearInterval(this.#timer)
    const closed = this.#send({ kind: 'close', number: ++this.#number, now: this.#options.now() })
    if (!this.#fallen) await closed
    await this.#worker.terminate()
  }

  #write(entry: Entry): Promise<unknown> {
    return this.#send({ kind: 'write', number: ++this.#number, now: this.#options.now(), entry })
  }

  #ask(query: Query): Promise<unknown> {
    return this.#send({ kind: 'ask', number: ++this.#number, now: this.#options.now(), query })
  }

  #beat(): void {
    this.#flush()
    this.#worker.postMessage({ kind: 'tick', now: this.#options.now() } satisfies Order)
  }

  #flush(): void {
    while (this.#waiting.size > 0 && this.#batches < MAX_UNANSWERED) this.#sendBatch()
  }

  #sendBatch(): void {
    const connections = firstOf(this.#waiting.values(), BATCH)
    for (const { id } of connections) this.#waiting.delete(id)
    this.#batches++
    const number = ++this.#number
    const answered = (): void => {
      this.#batches--
      if (this.#waiting.size >= BATCH) this.#flush()
    }
    const order: Order = { kind: 'save', number, now: this.#options.now(), connections }
    this.#unanswered.set(number, { order, resolve: answered, reject: answered })
    this.#worker.postMessage(order)
  }

  #dropOldest(): void {
    const excess = this.#waiting.size - this.#maxWaiting
    if (excess <= 0) return
    for (const id of firstOf(this.#waiting.keys(), excess)) this.#waiting.delete(id)
    this.#dropped += excess
  }

  #send(order: Unanswered['order']): Promise<unknown> {
    if (this.#unanswered.size >= MAX_UNANSWERED_ORDERS) {
      this.#dropped++
      if (order.kind === 'write') return Promise.resolve()
      return Promise.reject(new StoreError('The store does not keep up.', 'See the health of the store.'))
    }
    return new Promise((resolve, reject) => {
      this.#unanswered.set(order.number, { order, resolve, reject })
      this.#worker.postMessage(order)
    })
  }

  #startWorker(): Worker {
    const { folder, settings, now } = this.#options
    const workerData: WorkerStart = { folder, settings, now: now() }
    const file = new URL('./worker.ts', import.meta.url)
    // How the process was started (-e, --watch) is not the thread's concern, and may not even fit it.
    const worker = new Worker(file, { workerData, name: 'store', execArgv: [] })
    this.#restart.began()
    worker.on('message', (report: Report) => this.#hear(report))
    worker.on('error', (error: Error) => this.#fall(error.message))
    worker.on('exit', () => this.#fall('it ended by itself'))
    return worker
  }

  #hear(report: Report): void {
    switch (report.kind) {
      case 'health':
        this.#health = report.health
        return
      case 'firstSeen':
        this.#sighted(report.sightings)
        return
      case 'opened':
        this.#rise(report.remembered)
        return
      case 'refused':
        this.#isClosing = this.#remembered === undefined
        if (this.#isClosing) clearInterval(this.#timer)
        this.#begun?.reject(new StoreError(report.message, report.hint))
        return
      case 'done':
        this.#settle(report.number)?.resolve(report.answer)
        return
      case 'failed':
        this.#settle(report.number)?.reject(new StoreError(report.message, report.hint))
    }
  }

  #settle(number: number): Unanswered | undefined {
    const unanswered = this.#unanswered.get(number)
    this.#unanswered.delete(number)
    return unanswered
  }

  /** Open, for the first time or again. */
  #rise(remembered: Remembered): void {
    this.#remembered ??= remembered
    this.#fallen = undefined
    this.#restart.proved()
    this.#begun?.resolve()
  }

  /** The thread broke: a defect, or no memory left. The rest of Gatehouse goes on, and so does this after a while. */
  #fall(reason: string): void {
    if (this.#fallen !== undefined) return
    this.#fallen = reason
    if (this.#isClosing) {
      for (const { resolve } of this.#unanswered.values()) resolve(undefined)
      return
    }
    if (this.#remembered === undefined) {
      this.#isClosing = true
      clearInterval(this.#timer)
      this.#begun?.reject(new StoreError(`The store could not start: ${reason}`, 'Please report it.'))
      return
    }
    this.#restart.ended()
  }

  #startAgain(): void {
    if (this.#isClosing) return
    this.#fallen = undefined
    this.#worker = this.#startWorker()
    // What was not answered is said once more: writing it twice changes nothing.
    for (const { order } of this.#unanswered.values()) this.#worker.postMessage(order)
  }
}

function firstOf<Item>(items: Iterable<Item>, count: number): Item[] {
  const first: Item[] = []
  for (const item of items) {
    if (first.length === count) break
    first.push(item)
  }
  return first
}

const fallenHealth = (reason: string): PartHealth => ({
  part: 'store',
  state: 'degraded',
  reason: `The thread of the store broke: ${reason}. What happens now waits in memory`,
  remedy: 'It is started again by itself; if this comes back, please report it',
})
