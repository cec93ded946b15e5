import type { Usual } from '#model/baseline.ts'
import type { Opening } from '#model/call-home.ts'
import type { FirstSeen, NewSighting, ProgramFile, SeenFile } from '#model/first-seen.ts'
import type { Connection } from '#model/flow.ts'
import type { PartHealth } from '#model/health.ts'
import type { CountedMinute, CountedPeriod } from '#model/program-bytes.ts'
import type { Verification } from '#model/verification.ts'
import { nothingCounted } from './counted-table.ts'
import { type Database, openDatabase, replaceBroken } from './database.ts'
import { type Failure, failureOf, lostTrouble, StoreError, type Trouble, troubleOf } from './failure.ts'
import type { FlowRequest } from './flow-list.ts'
import type { Entry, Journal } from './journal.ts'
import { inTransaction } from './migrate.ts'
import { openingsSince } from './openings.ts'
import type { StoreSettings } from './settings.ts'
import {
  type CountedRequest,
  type FirstSeenRequest,
  NOTHING_REMEMBERED,
  type Remembered,
  type SearchRequest,
  type SearchSlice,
  type Slice,
  type SliceRequest,
  type SummaryRequest,
  type SummarySlice,
  type TimelineRequest,
  type TimelineSlice,
} from './store.ts'
import { copyAll, standOn, type Tables } from './tables.ts'
import { timelineOf } from './timeline.ts'

/** Entries that wait for a disk with room. */
const MAX_WAITING = 20_000
const MEMORY_MEGABYTES = 64
const RETENTION_EVERY_MS = 60_000
const RETRY_FROM_MS = 1000
const RETRY_UP_TO_MS = 30_000
/** A disk that breaks one new file after the other is not given a fourth. */
const MAX_BROKEN = 3
/**
 * The store without its thread: everything at once, in order. A disk that refuses is never an error here: entries
 * wait in memory, flows are handed back, and `health` says why.
 */
export class Archive {
  readonly remembered: Remembered
  readonly #settings: StoreSettings
  readonly #folder: string
  #tables: Tables
  /** What stays true until the restart: a file that was set aside, memory instead of a file. */
  #lasting: Trouble | undefined
  /** What may pass: a full disk. */
  #passing: Trouble | undefined
  #waiting: Entry[] = []
  #lost = 0
  #brokenFiles = 0
  #retryAt = Number.NEGATIVE_INFINITY
  #retryMs = RETRY_FROM_MS
  #retentionAt: number
  #now: number

  /** Throws a `StoreError` when another instance has the folder or a newer version wrote the database. */
  constructor(folder: string, settings: StoreSettings, now: number) {
    this.#folder = folder
    this.#settings = settings
    this.#now = now
    this.#retentionAt = now
    this.#tables = this.#standOn(openDatabase(folder, now))
    this.remembered = this.#guard(() => this.#tables.journal.remembered(now), NOTHING_REMEMBERED)
  }

  get health(): PartHealth {
    const troubles = [this.#lasting, this.#passing].filter((trouble) => trouble !== undefined)
    if (this.#lost > 0) troubles.push(lostTrouble(this.#lost))
    const waiting =
      this.#waiting.length > 0 ? ` (${this.#waiting.length} decisions and alerts wait in memory)` : ''
    if (troubles.length === 0) return { part: 'store', state: 'ok', note: this.#tables.database.path }
    return {
      part: 'store',
      state: 'degraded',
      reason: troubles.map((trouble) => trouble.reason).join('. ') + waiting,
      remedy: troubles.map((trouble) => trouble.remedy).join('. '),
    }
  }

  /** Writes entries in one transaction that is on disk afterwards; where the disk refuses they wait. */
  write(entries: readonly Entry[], now: number): void {
    this.#now = now
    this.#waiting.push(...entries)
    if (this.#mayTry(now)) this.#writeWaiting()
    this.#boundWaiting()
  }

  /** False when the disk refuses: the caller keeps the flows and comes again. */
  saveFlows(connections: readonly Connection[], now: number): boolean {
    this.#now = now
    if (!this.#mayTry(now)) return false
    return this.#attempt(
      () => this.#commitFlows(() => this.#tables.flows.save(connections, now)),
      () => this.#saveOneByOne(connections),
    )
  }

  flows(request: FlowRequest): Slice<Connection> {
    return this.#guard(() => this.#tables.list.slice(request), EMPTY)
  }

  search(request: SearchRequest): SearchSlice {
    return this.#guard(() => this.#tables.search.slice(request), EMPTY)
  }

  summaries(request: SummaryRequest): SummarySlice {
    const nothing = { items: [], total: 0, since: request.now, until: request.now, isComplete: false }
    // Sums that wait to be written are part of the answer.
    this.#attempt(() => this.#commitFlows(() => this.#tables.flows.finish(request.now)), GIVE_UP)
    return this.#guard(() => this.#tables.summaries.ofPeriod(request), nothing)
  }

  timeline(request: TimelineRequest): TimelineSlice {
    return this.#guard(() => timelineOf(this.#tables.database.db, request), {
      bucketMs: request.bucketMs,
      lanes: [],
      starts: [],
      firsts: [],
    })
  }

  firstSeen(request: FirstSeenRequest): readonly FirstSeen[] {
    return this.#guard(() => this.#tables.flows.firstSeen.list(request), [])
  }

  programFiles(path: string): readonly ProgramFile[] {
    return this.#guard(() => this.#tables.flows.firstSeen.files(path), [])
  }

  /** Lost where the disk refuses: it is seen again at the program's next start. */
  saveProgramFile(file: SeenFile, now: number): void {
    this.#mayLose(() => this.#tables.flows.firstSeen.seeFile(file, now), now)
  }

  /** Since the last call; see FirstSeenTable. */
  takeNewSightings(): readonly NewSighting[] {
    return this.#tables.flows.firstSeen.takeNew()
  }

  /** Lost where the disk refuses: the next hour is kept again. */
  saveUsual(usual: readonly Usual[], now: number): void {
    this.#mayLose(() => this.#tables.baselines.keep(usual), now)
  }

  usual(): readonly Usual[] {
    return this.#guard(() => this.#tables.baselines.all(), [])
  }

  openings(since: number): readonly Opening[] {
    return this.#guard(() => openingsSince(this.#tables.database.db, since), [])
  }

  /** False when the disk refuses. */
  saveCounted(minutes: readonly CountedMinute[], now: number): boolean {
    this.#now = now
    if (!this.#mayTry(now)) return false
    return this.#attempt(() => this.#commit(() => this.#tables.counted.keep(minutes), 'NORMAL'), GIVE_UP)
  }

  counted(request: CountedRequest): CountedPeriod {
    return this.#guard(() => this.#tables.counted.ofPeriod(request), nothingCounted(request))
  }

  alerts(request: SliceRequest): ReturnType<Journal['alerts']> {
    return this.#guard(() => this.#tables.journal.alerts(request), EMPTY)
  }

  decisions(request: SliceRequest): ReturnType<Journal['decisions']> {
    return this.#guard(() => this.#tables.journal.decisions(request), EMPTY)
  }

  egress(request: SliceRequest): ReturnType<Journal['egress']> {
    return this.#guard(() => this.#tables.journal.egress(request), EMPTY)
  }

  /** Also one that still waits for the disk: it was answered, so it can be undone. */
  decision(id: number): ReturnType<Journal['decision']> {
    const waiting = this.#waiting.find((entry) => entry.kind === 'decision' && entry.decision.id === id)
    if (waiting?.kind === 'decision') return waiting.decision
    return this.#guard(() => this.#tables.journal.decision(id), undefined)
  }

  verify(head?: string): Verification {
    return this.#guard(() => this.#tables.journal.chain.verify(head), { checked: 0, removed: 0 })
  }

  /** About once a second: tries again what the disk refused, and begins retention when it is due. */
  tick(now: number): void {
    this.#now = now
    if (this.#passing && this.#mayTry(now)) this.#writeWaiting()
    if (this.#tables.database.mayBecomeFile && this.#mayTry(now)) this.#moveToFile()
    if (now - this.#retentionAt < RETENTION_EVERY_MS) return
    this.#retentionAt = now
    this.#tables.retention.begin(now)
  }

  /** One small step of what can wait; true when there is more. */
  chore(): boolean {
    if (this.#passing) return false
    let more = false
    this.#attempt(
      () => {
        more = this.#tables.retention.step() || this.#tables.columns.step()
      },
      () => undefined,
    )
    return more
  }

  close(): void {
    if (this.#waiting.length > 0) this.#writeWaiting()
    this.#attempt(() => this.#commitFlows(() => this.#tables.flows.finish(this.#now)), GIVE_UP)
    this.#attempt(() => this.#tables.database.db.close(), GIVE_UP)
    this.#tables.database.close()
  }

  #standOn(database: Database): Tables {
    const { kind } = database
    this.#passing = database.passing
    this.#lasting = database.lasting ?? this.#lasting
    const settings =
      kind === 'file'
        ? this.#settings
        : { ...this.#settings, maxMegabytes: Math.min(MEMORY_MEGABYTES, this.#settings.maxMegabytes) }
    return standOn(database, settings)
  }

  #mayTry(now: number): boolean {
    // A clock that was set back must not silence the store.
    return now >= this.#retryAt || this.#retryAt - now > RETRY_UP_TO_MS
  }

  #writeWaiting(): void {
    const entries = this.#waiting
    const isWritten = this.#attempt(
      () => this.#commit(() => this.#writeAll(entries), 'FULL'),
      () => this.#writeOneByOne(entries),
    )
    if (isWritten) this.#waiting = []
  }

  #writeAll(entries: readonly Entry[]): void {
    for (const entry of entries) this.#tables.journal.write(entry)
  }

  /** One of them is not to the database's liking: the others must not go with it. */
  #writeOneByOne(entries: readonly Entry[]): void {
    for (const entry of entries) {
      try {
        this.#commit(() => this.#tables.journal.write(entry), 'FULL')
      } catch {
        this.#lose(1)
      }
    }
  }

  #saveOneByOne(connections: readonly Connection[]): void {
    for (const connection of connections) {
      try {
        this.#commitFlows(() => this.#tables.flows.save([connection], this.#now))
      } catch {
        this.#lose(1)
      }
    }
  }

  #commitFlows(work: () => void): void {
    const { flows } = this.#tables
    try {
      this.#commit(work, 'NORMAL')
    } catch (error) {
      flows.rolledBack()
      throw error
    }
    flows.committed()
  }

  /** Decisions outlive a power cut, flows a crash of ours (sqlite.org/pragma.html#pragma_synchronous). */
  #commit(work: () => void, synchronous: 'FULL' | 'NORMAL'): void {
    const { db } = this.#tables.database
    db.exec(`PRAGMA synchronous = ${synchronous}`)
    inTransaction(db, work)
  }

  #mayLose(work: () => void, now: number): void {
    this.#now = now
    if (!this.#mayTry(now)) return
    this.#attempt(() => this.#commit(work, 'NORMAL'), GIVE_UP)
  }

  /** Does `work`; true when it is done with, false when it may be tried again later. */
  #attempt(work: () => void, refused: () => void): boolean {
    try {
      work()
      this.#settle()
      return true
    } catch (error) {
      return this.#fail(error, work, refused)
    }
  }

  #fail(error: unknown, work: () => void, refused: () => void): boolean {
    this.#tables.flows.doubt()
    const failure = failureOf(error)
    if (failure === 'broken' && this.#startAnew()) return this.#attempt(work, refused)
    if (failure === undefined || failure === 'refused') {
      refused()
      return true
    }
    this.#refuse(failure)
    return false
  }

  /** Reads: the answer, or `otherwise` where the disk has none. */
  #guard<Result>(work: () => Result, otherwise: Result): Result {
    try {
      return work()
    } catch (error) {
      if (error instanceof StoreError) throw error
      const failure = failureOf(error)
      if (failure === 'broken' && this.#startAnew()) return this.#guard(work, otherwise)
      this.#refuse(failure ?? 'unreadable')
      return otherwise
    }
  }

  #refuse(failure: Failure): void {
    this.#passing = troubleOf(failure, this.#tables.database.path)
    this.#retryAt = this.#now + this.#retryMs
    this.#retryMs = Math.min(RETRY_UP_TO_MS, this.#retryMs * 2)
  }

  #settle(): void {
    if (!this.#tables.database.mayBecomeFile) this.#passing = undefined
    this.#retryMs = RETRY_FROM_MS
    this.#retryAt = Number.NEGATIVE_INFINITY
  }

  /** False when there is no use in another file. */
  #startAnew(): boolean {
    if (this.#tables.database.kind === 'memory' || this.#brokenFiles >= MAX_BROKEN) return false
    this.#brokenFiles++
    try {
      this.#tables = this.#standOn(replaceBroken(this.#tables.database, this.#now))
      return true
    } catch (error) {
      this.#brokenFiles = MAX_BROKEN
      this.#refuse(failureOf(error) ?? 'unreadable')
      return false
    }
  }

  /** There was no file because the disk was full: what memory holds goes into one as soon as there is room. */
  #moveToFile(): void {
    const { database } = this.#tables
    const opened = openDatabase(this.#folder, this.#now)
    if (opened.kind === 'memory') {
      opened.db.close()
      this.#refuse('full')
      return
    }
    try {
      // Sums that wait to be written move as well.
      this.#commitFlows(() => this.#tables.flows.finish(this.#now))
      inTransaction(opened.db, () => copyAll(database.db, opened.db))
    } catch (error) {
      opened.db.close()
      opened.close()
      this.#refuse(failureOf(error) ?? 'unreadable')
      return
    }
    database.db.close()
    this.#tables = this.#standOn(opened)
    this.#settle()
  }

  #boundWaiting(): void {
    while (this.#waiting.length > MAX_WAITING) {
      const alert = this.#waiting.findIndex((entry) => entry.kind === 'alert')
      this.#waiting.splice(Math.max(0, alert), 1)
      this.#lose(1)
    }
  }

  #lose(count: number): void {
    this.#lost += count
  }
}

/** A write that the disk refuses is lost. */
const GIVE_UP = (): undefined => undefined
const EMPTY = { items: [], total: 0 } as const
