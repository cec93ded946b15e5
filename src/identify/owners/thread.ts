import { Worker } from 'node:worker_threads'
import { Restart } from '#lib/restart.ts'
import type { PartHealth } from '#model/health.ts'
import type { Owner, SocketKey } from '#model/owner.ts'
import type { ProgramBytesReport, TakenBytes } from '#model/program-bytes.ts'
import type { OwnerAnswer, Report, Request, WorkerSettings } from './messages.ts'
import { keyText, OwnerCache } from './owner-cache.ts'
import type { OwnerSource } from './owner-source.ts'
import { type SocketList, toSocketList } from './socket-list.ts'

export type { OwnerAnswer } from './messages.ts'
export type { OwnedSocket, SocketList } from './socket-list.ts'

export interface OwnersOptions {
  /** Owners that are kept on the main thread. */
  readonly cacheSize?: number
  /** Milliseconds, monotonic: by it answers age. */
  readonly now?: () => number
  /** The ways to know owners that may be used; all, when absent. Those that this machine lacks are left out and said. */
  readonly sources?: readonly OwnerSource['name'][]
  /** What is counted with eBPF, where this kernel can; messages, when absent. */
  readonly countBytes?: WorkerSettings['countBytes']
  /** The file that runs in the thread. */
  readonly workerFile?: URL
}

/** Which program is behind a socket of this machine (of the network namespace we run in). */
export interface Owners {
  /** What is known of this socket; at once. */
  ownerOf(key: SocketKey): Owner | undefined
  /**
   * Asks for owners; `ownerOf` and `onAnswer` have them within milliseconds, or after the next walk (250 ms and
   * more). Ask once when a flow opens and again only while it is unknown: asking anew lets go of an older answer,
   * since ports are used again.
   */
  request(keys: readonly SocketKey[]): void
  /** One listener; each key that was asked for is answered once, also when nobody knows. */
  onAnswer(listener: (answers: readonly OwnerAnswer[]) => void): void
  /** All TCP and UDP sockets with owners, as they are now. Rejects when the thread ends before it answered. */
  listSockets(): Promise<SocketList>
  /** Bytes of each program since the thread began; undefined where they are not counted. */
  programBytes(): Promise<ProgramBytesReport | undefined>
  /**
   * What was counted since this was asked last; undefined where nothing is counted. `end`: also what no program was found
   * for yet.
   */
  takeBytes(end: 'later' | 'end'): Promise<TakenBytes | undefined>
  readonly health: PartHealth
  /** Keys that were not asked for because too many were under way. */
  readonly refused: number
  stop(): Promise<void>
}

/** Ways that change nothing in the kernel's tables. */
export const ONLY_LOOKING: readonly OwnerSource['name'][] = ['ebpf', 'netlink', 'scan']
const ALL_SOURCES: readonly OwnerSource['name'][] = ['ebpf', 'queue', 'netlink', 'scan']
const CACHE_SIZE = 65_536
const MAX_UNDER_WAY = 16_384
/** A new flow on the five numbers of an old one: the old answer is not believed any more. */
const OLD_ANSWER_MS = 5_000
const STOP_WITHIN_MS = 2_000

/** Questions open and nothing heard for so long: the thread hangs (a /proc file of a stuck process can do that). */
const SILENT_MS = 15_000

/** The two ends of something that was asked for. */
interface Asked<Answer> {
  readonly resolve: (answer: Answer) => void
  readonly reject: (reason: Error) => void
}

/** Starts the owners thread. It is started again, ever more slowly, when it dies. */
export function startOwners(options: OwnersOptions = {}): Owners {
  return new OwnersThread(options)
}

class OwnersThread implements Owners {
  readonly #cache: OwnerCache
  readonly #now: () => number
  readonly #workerFile: URL
  readonly #settings: WorkerSettings
  readonly #underWay = new Map<string, SocketKey>()
  #listing: Asked<SocketList> | undefined
  #countingBytes: Asked<ProgramBytesReport | undefined>[] = []
  /** In the order of the questions, which is that of the answers. */
  readonly #takingBytes: Asked<TakenBytes | undefined>[] = []
  /** Set while a list is under way: who asks meanwhile gets the same. */
  #list: Promise<SocketList> | undefined
  #listener: (answers: readonly OwnerAnswer[]) => void = () => {}
  #worker: Worker | undefined
  readonly #restart: Restart
  #isStopped = false
  #health: PartHealth = { part: 'owners', state: 'ok', note: 'starting' }
  #heardAt = 0
  refused = 0

  constructor(options: OwnersOptions) {
    this.#cache = new OwnerCache(options.cacheSize ?? CACHE_SIZE)
    this.#now = options.now ?? (() => performance.now())
    this.#workerFile = options.workerFile ?? new URL('./worker.ts', import.meta.url)
    this.#settings = {
      sources: options.sources ?? ALL_SOURCES,
      countBytes: options.countBytes ?? 'messages',
    }
    this.#restart = new Restart({ start: () => this.#start(), now: this.#now })
    this.#start()
  }

  ownerOf(key: SocketKey): Owner | undefined {
    return this.#cache.get(keyText(key))
  }

  request(keys: readonly SocketKey[]): void {
    const fresh: SocketKey[] = []
    for (const key of keys) {
      const text = keyText(key)
      if (this.#underWay.has(text)) continue
      this.#cache.forgetOlder(text, OLD_ANSWER_MS, this.#now())
      if (this.#underWay.size >= MAX_UNDER_WAY) {
        this.refused++
        continue
      }
      this.#underWay.set(text, key)
      fresh.push(key)
    }
    if (fresh.length > 0 && fresh.length === this.#underWay.size) this.#heardAt = this.#now()
    if (fresh.length > 0) this.#send({ kind: 'look-up', keys: fresh })
  }

  onAnswer(listener: (answers: readonly OwnerAnswer[]) => void): void {
    this.#listener = listener
  }

  listSockets(): Promise<SocketList> {
    if (!this.#worker) return Promise.reject(new Error(this.#whyNot()))
    if (!this.#list) {
      this.#list = new Promise((resolve, reject) => {
        this.#listing = { resolve, reject }
      })
      this.#send({ kind: 'list' })
    }
    return this.#list
  }

  programBytes(): Promise<ProgramBytesReport | undefined> {
    if (!this.#worker) return Promise.reject(new Error(this.#whyNot()))
    return new Promise((resolve, reject) => {
      this.#countingBytes.push({ resolve, reject })
      if (this.#countingBytes.length === 1) this.#send({ kind: 'bytes' })
    })
  }

  takeBytes(end: 'later' | 'end'): Promise<TakenBytes | undefined> {
    if (!this.#worker) return Promise.reject(new Error(this.#whyNot()))
    return new Promise((resolve, reject) => {
      this.#takingBytes.push({ resolve, reject })
      this.#send({ kind: 'take-bytes', end })
    })
  }

  get health(): PartHealth {
    const silentMs = this.#now() - this.#heardAt
    if (!this.#worker || this.#underWay.size === 0 || silentMs < SILENT_MS) return this.#health
    return {
      part: 'owners',
      state: 'degraded',
      reason: `programs are not found: the owners thread has not answered for ${Math.round(silentMs / 1_000)} s`,
      remedy: 'look for processes in state D (ps -eo pid,stat,comm); restart Gatehouse if it stays so',
    }
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    this.#restart.stop()
    const worker = this.#worker
    if (!worker) return
    const ended = new Promise<void>((resolve) => worker.once('exit', () => resolve()))
    const impatience = setTimeout(() => void worker.terminate(), STOP_WITHIN_MS)
    this.#send({ kind: 'stop' })
    await ended
    clearTimeout(impatience)
  }

  #start(): void {
    const worker = new Worker(this.#workerFile, {
      name: 'owners',
      execArgv: [],
      workerData: this.#settings,
    })
    this.#worker = worker
    this.#restart.began()
    this.#heardAt = this.#now()
    let failure = 'it ended by itself'
    worker.on('message', (report: Report) => this.#take(report))
    worker.on('error', (error: Error) => {
      failure = error.message
    })
    worker.on('exit', () => this.#ended(failure))
    if (this.#underWay.size > 0) this.#send({ kind: 'look-up', keys: [...this.#underWay.values()] })
  }

  #take(report: Report): void {
    this.#heardAt = this.#now()
    if (report.kind === 'health') this.#health = report.health
    if (report.kind === 'answers') this.#takeAnswers(report.answers)
    if (report.kind === 'bytes') {
      for (const { resolve } of this.#countingBytes.splice(0)) resolve(report.report)
    }
    if (report.kind === 'taken') this.#takingBytes.shift()?.resolve(report.taken)
    if (report.kind === 'list') {
      this.#listing?.resolve(toSocketList(report.sockets))
      this.#list = undefined
    }
  }

  #takeAnswers(answers: readonly OwnerAnswer[]): void {
    const now = this.#now()
    for (const { key, owner } of answers) {
      const text = keyText(key)
      this.#underWay.delete(text)
      if (owner) this.#cache.set(text, owner, now)
    }
    this.#listener(answers)
  }

  #ended(failure: string): void {
    this.#worker = undefined
    const ended = new Error(`the owners thread ended: ${failure}`)
    for (const { reject } of [...this.#countingBytes.splice(0), ...this.#takingBytes.splice(0)]) reject(ended)
    this.#listing?.reject(ended)
    this.#list = undefined
    if (this.#isStopped) return
    const restartMs = this.#restart.ended()
    this.#health = {
      part: 'owners',
      state: 'degraded',
      reason: `programs are not looked up for now: ${failure}`,
      remedy: `none needed: it is tried again in ${restartMs / 1_000} s`,
    }
    // Not asked again: it may be one of these that it died of.
    if (this.#underWay.size > 0) this.#takeAnswers([...this.#underWay.values()].map((key) => ({ key })))
  }

  #send(request: Request): void {
    this.#worker?.postMessage(request)
  }

  #whyNot(): string {
    if (this.#isStopped) return 'owners are stopped'
    return this.#health.state === 'ok' ? 'the owners thread is not running' : this.#health.reason
  }
}
