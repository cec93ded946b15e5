import { KernelError } from '#kernel/libc.ts'
import { SocketDestroyer } from '#kernel/sock-destroy.ts'
import { isRange, type Target } from '#model/address.ts'
import type { PartHealth } from '#model/health.ts'
import { BlockTable, EXPIRY_SLACK_MS, type Reading } from './block-table.ts'
import type { DropCount, EnforcedBlock, Enforcer } from './enforcer.ts'
import type { Limits } from './layout.ts'
import { type Refusal, refusalOf } from './refusal.ts'

/** How often we ask the kernel whether anybody changed the ruleset: 5 µs a time (docs/decisions/004). */
const LOOK_EVERY_MS = 250
/** Somebody who removes the table again and again must not keep us busy. */
const REPAIR_EVERY_MS = 1000
/** Reading all counters takes at most a twentieth of the time, however many there are; a search for losses a quarter. */
const READING_SHARE = 20
const SEARCH_SHARE = 4
const MAX_BLOCKS = 262_144
const MAX_RANGES = 10_000
/** Of the blocks that a reading lacks, so many are asked for one by one. */
const MAX_DOUBTS = 1000
const ENOENT = 2
const NOTHING: DropCount = { packets: 0, bytes: 0 }

export interface NftablesOptions {
  /** Milliseconds since the epoch. */
  now(): number
  /** Name of our table in family inet; default `gatehouse`. */
  readonly table?: string
  readonly limits?: Limits
  /** Told when another program had changed our table, and it was put back. */
  onRepair?(what: string): void
}

/** Blocks by nf_tables, in a table of our own. Talks to the kernel by netlink: no nft program is needed. */
export const createNftablesEnforcer = (options: NftablesOptions): Enforcer => new NftablesEnforcer(options)

class NftablesEnforcer implements Enforcer {
  readonly #now: () => number
  readonly #name: string
  readonly #onRepair: ((what: string) => void) | undefined
  readonly #limits: Limits
  /** Refusals held back: by tables that are gone, and by the one in place. */
  readonly #braked = { before: 0, now: 0 }
  readonly #wanted = new Map<Target, EnforcedBlock>()
  /** Of what the kernel holds; complete. */
  readonly #counts = new Map<Target, DropCount>()
  /** Unblocked while the kernel did not listen: not to be adopted. */
  readonly #forgotten = new Set<Target>()
  #rangeCount = 0
  #table: BlockTable | undefined
  /** True while the kernel holds what we want, as far as we know. */
  #inPlace = false
  #refusal: Refusal | undefined = { reason: 'not started yet', remedy: 'Wait a moment' }
  #isFull = false
  #repairs = 0
  #fingerprint: string | undefined
  /** The ruleset's generation, less our own transactions: it stays the same while nobody else changes anything. */
  #othersGeneration: number | undefined
  #isSuspect = false
  #repairNotBefore = 0
  #readNotBefore = 0
  #searchNotBefore = 0
  #reading: Promise<void> | undefined
  #verifying: Promise<void> | undefined
  #destroyer: SocketDestroyer | undefined
  #cannotClose = false
  #looking: NodeJS.Timeout | undefined

  constructor({ now, table = 'gatehouse', onRepair, limits = {} }: NftablesOptions) {
    this.#limits = limits
    this.#now = now
    this.#name = table
    this.#onRepair = onRepair
  }

  async start(): Promise<readonly EnforcedBlock[]> {
    const adopted = await this.#takeOver()
    this.#looking = setInterval(() => this.#look(), LOOK_EVERY_MS).unref()
    return adopted
  }

  block(block: EnforcedBlock, now: number): boolean {
    if (block.until !== undefined && block.until <= now) return this.unblock(block.target)
    const before = this.#wanted.get(block.target)
    if (!this.#remember(block)) return false
    if (!this.#inPlace || !this.#table?.canHold(block)) return false
    const errno = this.#table.put(block, this.#wanted.values(), now)
    const isDone = this.#done(errno, [block])
    if (isDone && before && before.effect !== block.effect)
      this.#table.take(before, this.#wanted.values(), now)
    return isDone
  }

  blockMany(blocks: readonly EnforcedBlock[], now: number): boolean {
    const accepted = blocks.filter(({ until }) => until === undefined || until > now)
    const changed = accepted.filter(({ target }) => this.#wanted.has(target) && !isRange(target))
    const fresh = accepted.filter(({ target }) => !this.#wanted.has(target) && !isRange(target))
    const isAllRemembered = accepted.map((block) => this.#remember(block)).every(Boolean)
    if (!this.#inPlace || !this.#table) return false
    const errno =
      this.#table.putManyAddresses(
        fresh.filter(({ target }) => this.#wanted.has(target)),
        now,
      ) || this.#table.syncRanges(this.#wanted.values(), now)
    const isDone = this.#done(errno, accepted)
    return changed.map((block) => this.block(block, now)).every(Boolean) && isDone && isAllRemembered
  }

  unblock(target: Target): boolean {
    const known = this.#wanted.get(target)
    this.#forget(target)
    // Its time was over: the kernel ends it by itself.
    if (this.#inPlace && !(known && this.#table?.canHold(known))) return true
    if (known && this.#inPlace && this.#table) {
      const errno = this.#table.take(known, this.#wanted.values(), this.#now())
      if (errno === 0) return true
      this.#refused(errno)
    }
    if (this.#forgotten.size < MAX_BLOCKS) this.#forgotten.add(target)
    return false
  }

  closeSockets(target: Target, mayClose?: () => boolean): number {
    try {
      this.#destroyer ??= new SocketDestroyer()
      const { closed, isUnsupported } = this.#destroyer.destroyOf(target, mayClose)
      this.#cannotClose ||= isUnsupported
      return closed
    } catch (error) {
      if (!(error instanceof KernelError)) throw error
      this.#cannotClose = true
      return 0
    }
  }

  counters(): ReadonlyMap<Target, DropCount> {
    return this.#inPlace ? this.#counts : new Map()
  }

  get brakedRefusals(): number {
    return this.#braked.before + this.#braked.now
  }

  async verify(now: number): Promise<PartHealth> {
    this.#verifying ??= this.#verify(now).finally(() => {
      this.#verifying = undefined
    })
    await this.#verifying
    return this.health
  }

  get health(): PartHealth {
    const part = 'enforcement'
    if (this.#refusal) return { part, state: 'degraded', ...this.#refusal }
    if (this.#isFull) {
      return {
        part,
        state: 'degraded',
        reason: `${this.#wanted.size} blocks are in force and no more are taken`,
        remedy: `Unblock what is no longer needed, or block ranges (at most ${MAX_RANGES}) instead of addresses`,
      }
    }
    const blocks = this.#wanted.size === 1 ? '1 block' : `${this.#wanted.size} blocks`
    const times = this.#repairs === 1 ? 'once' : `${this.#repairs} times`
    const repaired = this.#repairs === 0 ? '' : `; another program changed it ${times}, put back each time`
    const open = this.#cannotClose ? '; this kernel cannot close open connections: they starve' : ''
    const note = `${blocks} in the table inet ${this.#name}${repaired}${open}${this.#brakeNote()}`
    return { part, state: 'ok', note }
  }

  #brakeNote(): string {
    if (this.#limits.refusals && this.#table?.hasBrake === false) return '; this kernel cannot slow refusals'
    const { brakedRefusals } = this
    return brakedRefusals === 0 ? '' : `; ${brakedRefusals} answers of closed ports held back`
  }

  async stop(keep: boolean): Promise<void> {
    clearInterval(this.#looking)
    await this.#verifying
    await this.#reading
    if (!keep) this.#table?.remove()
    this.#table?.close()
    this.#destroyer?.close()
    this.#table = undefined
    this.#destroyer = undefined
    this.#inPlace = false
    this.#refusal = { reason: 'stopped', remedy: 'Start Gatehouse' }
  }

  async #verify(now: number): Promise<void> {
    this.#expire(now)
    if (this.#inPlace) this.#check()
    else await this.#takeOver()
    if (this.#inPlace) this.#braked.now = this.#table?.brakedRefusals ?? 0
    if (performance.now() >= this.#readNotBefore) await this.#refresh()
  }

  #remember(block: EnforcedBlock): boolean {
    const { target, effect } = block
    if (effect === 'limit' && isRange(target)) return false
    const isNew = !this.#wanted.has(target)
    const hasNoRoom = this.#wanted.size >= MAX_BLOCKS || (isRange(target) && this.#rangeCount >= MAX_RANGES)
    if (isNew && hasNoRoom) {
      this.#isFull = true
      return false
    }
    if (isNew && isRange(target)) this.#rangeCount++
    this.#wanted.set(target, block)
    this.#forgotten.delete(target)
    return true
  }

  #forget(target: Target): void {
    if (!this.#wanted.delete(target)) return
    this.#isFull = false
    if (isRange(target)) this.#rangeCount--
    this.#counts.delete(target)
  }

  /** Ends a change: the blocks are in the kernel, or the table was gone and is put back, or the kernel refuses. */
  #done(errno: number, blocks: readonly EnforcedBlock[]): boolean {
    if (errno === ENOENT) return this.#repair()
    if (errno !== 0) return this.#refused(errno)
    for (const { target } of blocks) if (!this.#counts.has(target)) this.#counts.set(target, NOTHING)
    return true
  }

  #refused(errno: number): false {
    const isHeard = typeof this.#table?.generation() === 'object'
    this.#refusal = refusalOf(errno, this.#name, isHeard)
    this.#inPlace = false
    return false
  }

  /** The kernel ends blocks by itself; an ended range gives its segments to those around it. */
  #expire(now: number): void {
    let areRangesChanged = false
    for (const { target, until } of this.#wanted.values()) {
      if (until === undefined || until > now) continue
      this.#forget(target)
      areRangesChanged ||= isRange(target)
    }
    if (!areRangesChanged || !this.#inPlace || !this.#table) return
    const errno = this.#table.syncRanges(this.#wanted.values(), now)
    if (errno !== 0) this.#done(errno, [])
  }

  /** Opens the kernel, adopts what it holds and puts all in place. Answers what was new to us. */
  async #takeOver(): Promise<readonly EnforcedBlock[]> {
    const table = this.#open()
    if (!table) return []
    await this.#reading
    const reading = await table.read(this.#now())
    if (typeof reading === 'number' && reading !== ENOENT) {
      this.#refused(reading)
      return []
    }
    const held = typeof reading === 'number' ? [] : reading.blocks
    const adopted = held.filter(({ target }) => !this.#wanted.has(target) && !this.#forgotten.has(target))
    const kept = adopted.filter((block) => this.#remember(block))
    if (typeof reading !== 'number') this.#takeCounts(reading)
    this.#rebuild()
    return kept
  }

  #open(): BlockTable | undefined {
    try {
      this.#table ??= new BlockTable(this.#name, this.#limits)
    } catch (error) {
      if (!(error instanceof KernelError)) throw error
      this.#refused(error.errno)
      return undefined
    }
    // The kernel lets the socket open and refuses the first message.
    const generation = this.#table.generation()
    if (typeof generation !== 'number') return this.#table
    this.#refused(generation)
    return undefined
  }

  #rebuild(): boolean {
    if (!this.#table) return false
    const errno = this.#table.rebuild(this.#wanted.values(), this.#counts, this.#now())
    if (errno !== 0) return this.#refused(errno)
    this.#braked.before += this.#braked.now
    this.#braked.now = 0
    this.#inPlace = true
    this.#refusal = undefined
    this.#isSuspect = false
    this.#forgotten.clear()
    for (const target of this.#wanted.keys()) {
      if (!this.#counts.has(target)) this.#counts.set(target, NOTHING)
    }
    this.#fingerprint = this.#table.fingerprint()
    this.#othersGeneration = this.#readOthersGeneration()
    return true
  }

  #readOthersGeneration(): number | undefined {
    const generation = this.#table?.generation()
    if (generation === undefined || typeof generation === 'number') return undefined
    return generation.id - (this.#table?.committed ?? 0)
  }

  #look(): void {
    if (this.#inPlace && performance.now() >= this.#repairNotBefore) this.#check()
    if (this.#isSuspect && performance.now() >= this.#searchNotBefore) void this.#refresh()
  }

  /** Did anybody else change the ruleset? Then see whether our table is still as we made it. */
  #check(): void {
    const othersGeneration = this.#readOthersGeneration()
    if (othersGeneration === this.#othersGeneration) return
    this.#othersGeneration = othersGeneration
    // Elements may have been taken out: only reading them all shows it.
    if (this.#isAsBuilt()) this.#isSuspect = true
    else this.#repair()
  }

  #isAsBuilt(): boolean {
    return this.#fingerprint !== undefined && this.#table?.fingerprint() === this.#fingerprint
  }

  #repair(): boolean {
    this.#repairNotBefore = performance.now() + REPAIR_EVERY_MS
    const isThere = this.#table?.fingerprint() !== undefined
    if (!this.#rebuild()) return false
    this.#repairs++
    const what = isThere ? 'was changed' : 'was removed'
    this.#onRepair?.(`The table inet ${this.#name} ${what} by another program; Gatehouse put it back`)
    return true
  }

  #refresh(): Promise<void> {
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined
    })
    return this.#reading
  }

  async #read(): Promise<void> {
    if (!this.#inPlace || !this.#table) return
    const isSuspect = this.#isSuspect
    this.#isSuspect = false
    const startedAt = performance.now()
    const { committed } = this.#table
    const reading = await this.#table.read(this.#now())
    const took = performance.now() - startedAt
    this.#readNotBefore = performance.now() + Math.min(60_000, took * READING_SHARE)
    this.#searchNotBefore = performance.now() + took * SEARCH_SHARE
    if (!this.#inPlace) return
    if (typeof reading === 'number') {
      // A table that was put back meanwhile takes its sets from under a reading; other failures pass.
      if (!this.#isAsBuilt()) this.#repair()
      return
    }
    this.#takeCounts(reading)
    if (isSuspect) this.#searchLosses(reading, this.#table.committed === committed)
  }

  /** `isQuiet`: we changed nothing ourselves during the reading. */
  #searchLosses(reading: Reading, isQuiet: boolean): void {
    if (this.#lacksAddresses(reading)) this.#repair()
    else if (!this.#lacksRanges(reading)) return
    else if (isQuiet) this.#repair()
    // Ranges that we changed meanwhile look like a loss: look again.
    else this.#isSuspect = true
  }

  #takeCounts(reading: Reading): void {
    for (const [target, count] of reading.counts) {
      if (this.#wanted.has(target)) this.#counts.set(target, count)
    }
  }

  /** What a long reading overlooked is asked for one by one. */
  #lacksAddresses({ counts }: Reading): boolean {
    const doubts: EnforcedBlock[] = []
    for (const block of this.#wanted.values()) {
      if (isRange(block.target) || counts.has(block.target) || !this.#lasts(block)) continue
      if (this.#table?.canHold(block) && doubts.push(block) >= MAX_DOUBTS) break
    }
    return doubts.some((block) => !this.#table?.holdsAddress(block))
  }

  #lacksRanges({ counts, areRangesWhole }: Reading): boolean {
    if (!areRangesWhole) return true
    if (this.#rangeCount === 0) return false
    return [...this.#wanted.values()].some(
      (block) => isRange(block.target) && !counts.has(block.target) && this.#lasts(block),
    )
  }

  /** One that is about to end may be gone from the kernel a moment before. */
  #lasts({ until }: EnforcedBlock): boolean {
    return until === undefined || until > this.#now() + EXPIRY_SLACK_MS
  }
}
