import { Worker } from 'node:worker_threads'
import { Restart } from '#lib/restart.ts'
import { isRange, type Target } from '#model/address.ts'
import type { CaptureReport, CaptureRequest } from '#model/capture-report.ts'
import type { DecoyOrder } from '#model/decoy.ts'
import type { PartHealth } from '#model/health.ts'
import type { RecordingOrder } from '#model/recording.ts'
import type { CaptureSettings } from './settings.ts'

/** What the worker is given at its start. Plain data: it crosses threads. */
export interface CaptureThreadSettings {
  readonly capture: CaptureSettings
  /** Settings of the detectors by their id; what is missing has its default. */
  readonly detectors: Readonly<Record<string, unknown>>
  /** Absent: there are none. */
  readonly decoys?: DecoyOrder
}

export interface CaptureThreadOptions {
  readonly settings: CaptureThreadSettings
  /**
   * Runs on the main thread. Findings come at once, flows a few times a second: the next ones when these were worked
   * off, which a promise may say.
   */
  readonly onReport: (report: CaptureReport) => Promise<void> | undefined | void
  /** The file that runs in the thread. */
  readonly workerFile?: URL
}

/** Live capture beside the main thread. */
export interface CaptureThread {
  readonly health: PartHealth
  /** A block came to its end: detectors give the address a clean slate. Ranges are passed by. */
  released(target: Target): void
  /** Other settings of the detectors, from the next packets on. They must fit. */
  retune(detectors: CaptureThreadSettings['detectors']): void
  /** Other decoys, from the next packets on; undefined: none. */
  setDecoys(order: DecoyOrder | undefined): void
  /** Keeps the next packets of an address: they come as a report of their own. */
  record(order: RecordingOrder): void
  /** The last report comes before it returns. */
  stop(): Promise<void>
}

const STOP_WITHIN_MS = 2_000

/** Starts the capture thread. When it dies it is started again, ever more slowly, and health says so. */
export const startCapture = (options: CaptureThreadOptions): CaptureThread => new LiveCapture(options)

class LiveCapture implements CaptureThread {
  readonly #options: CaptureThreadOptions
  #settings: CaptureThreadSettings
  #health: PartHealth = { part: 'capture', state: 'ok', note: 'starting' }
  #worker: Worker | undefined
  readonly #restart = new Restart({ start: () => this.#start(), now: () => performance.now() })
  #isStopped = false

  constructor(options: CaptureThreadOptions) {
    this.#options = options
    this.#settings = options.settings
    this.#start()
  }

  get health(): PartHealth {
    return this.#health
  }

  released(target: Target): void {
    if (this.#worker && !isRange(target)) this.#send(this.#worker, { kind: 'released', address: target })
  }

  retune(detectors: CaptureThreadSettings['detectors']): void {
    this.#settings = { ...this.#settings, detectors }
    if (this.#worker) this.#send(this.#worker, { kind: 'detectors', settings: detectors })
  }

  setDecoys(order: DecoyOrder | undefined): void {
    const { decoys: _, ...others } = this.#settings
    this.#settings = { ...others, ...(order && { decoys: order }) }
    if (this.#worker) this.#send(this.#worker, { kind: 'decoys', ...(order && { order }) })
  }

  record(order: RecordingOrder): void {
    if (this.#worker) this.#send(this.#worker, { kind: 'record', order })
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    this.#restart.stop()
    const worker = this.#worker
    if (worker === undefined) return
    const ended = new Promise<void>((resolve) => worker.once('exit', () => resolve()))
    const impatience = setTimeout(() => void worker.terminate(), STOP_WITHIN_MS)
    this.#send(worker, { kind: 'stop' })
    await ended
    clearTimeout(impatience)
  }

  #start(): void {
    const { workerFile = new URL('./worker.ts', import.meta.url) } = this.#options
    const worker = new Worker(workerFile, { name: 'capture', workerData: this.#settings })
    this.#worker = worker
    this.#restart.began()
    let failure = 'it ended by itself'
    worker.on('message', (report: CaptureReport) => this.#take(worker, report))
    worker.on('error', (error: Error) => {
      failure = error.message
    })
    worker.on('exit', () => this.#ended(failure))
  }

  #take(worker: Worker, report: CaptureReport): void {
    if (report.kind === 'health' && report.health.part === 'capture') this.#health = report.health
    const worked = this.#options.onReport(report)
    if (report.kind === 'flows')
      void Promise.resolve(worked).then(() => this.#send(worker, { kind: 'taken' }))
  }

  #ended(failure: string): void {
    this.#worker = undefined
    if (this.#isStopped) return
    const restartMs = this.#restart.ended()
    this.#health = {
      part: 'capture',
      state: 'degraded',
      reason: `packets are not watched for now: ${failure}`,
      remedy: `None needed: it is tried again in ${restartMs / 1_000} s. If it comes back, report it.`,
    }
    void this.#options.onReport({ kind: 'health', health: this.#health })
  }

  #send(worker: Worker, request: CaptureRequest): void {
    worker.postMessage(request)
  }
}
