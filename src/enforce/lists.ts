import { KernelError } from '#kernel/libc.ts'
import type { Ip, Target } from '#model/address.ts'
import type { BlockedList } from '#model/blocked-list.ts'
import type { PartHealth } from '#model/health.ts'
import type { DropCount } from './enforcer.ts'
import { type FilledList, LIST_LASTS_MS, ListTable } from './list-table.ts'
import { type Refusal, refusalOf } from './refusal.ts'
import { handedOver, type RuleLogOptions } from './rule-log.ts'

/** Turns away whole threat lists, in a table beside that of the blocks (docs/decisions/024). Never throws for the kernel. */
export interface ListEnforcer {
  /**
   * Puts exactly these lists in force. Settles when they are, in seconds for a million entries; what is in force
   * already stays so meanwhile. `false`: the kernel refused, and `verify` tries again.
   */
  hold(lists: readonly BlockedList[]): Promise<boolean>
  /** From now on these pass, whatever lists say. */
  spare(targets: readonly Target[]): void
  /** Whether this version of a list is in force. */
  isHeld(list: BlockedList): boolean
  /** What each list turned away since the start, by its id. */
  drops(): ReadonlyMap<string, DropCount>
  /** Whom programs here, or behind us, called and were kept from since the last call. */
  takeCalled(): readonly Ip[]
  /** Looks whether the kernel still holds what it should, and repairs it. Called once a second. */
  verify(now: number): void
  /** Nothing while there is no list. */
  readonly health: PartHealth | undefined
  /** `keep`: the lists stay in force without us, for a week; else the table is removed. */
  stop(keep: boolean): Promise<void>
}

export interface ListEnforcerOptions {
  /** Name of the table in family inet. */
  readonly table: string
  /** Absent: nothing is written about packets. */
  readonly log?: RuleLogOptions
  /** Milliseconds since the epoch. */
  now(): number
  /** Told when another program had changed the table, and it is put back. */
  onRepair?(what: string): void
}

/** Before the kernel forgets a list it is filled anew. */
const REFILL_MS = LIST_LASTS_MS / 4
/** A list of a million must not be tried each second. */
const RETRY_MS = 30_000
const NOTHING: DropCount = { packets: 0, bytes: 0 }

export const createListEnforcer = (options: ListEnforcerOptions): ListEnforcer =>
  new NftablesListEnforcer(options)

class NftablesListEnforcer implements ListEnforcer {
  readonly #options: ListEnforcerOptions
  #table: ListTable | undefined
  #wanted: readonly BlockedList[] = []
  #spared: readonly Target[] = []
  #inForce: readonly FilledList[] = []
  /** Of rules that are gone. */
  readonly #before = new Map<string, DropCount>()
  #refusal: Refusal | undefined
  #fingerprint: string | undefined
  #generation: number | undefined
  #working: Promise<boolean> = Promise.resolve(true)
  #isWorking = false
  #retryAt = 0
  #repairs = 0

  constructor(options: ListEnforcerOptions) {
    this.#options = options
  }

  hold(lists: readonly BlockedList[]): Promise<boolean> {
    this.#wanted = lists
    // One after the other; each puts in force what is wanted when its turn comes.
    this.#working = this.#working.then(() => this.#settle())
    return this.#working
  }

  spare(targets: readonly Target[]): void {
    this.#spared = targets
    if (this.#table && this.#inForce.length > 0) this.#done(this.#table.spare(targets))
  }

  isHeld({ id, rows }: BlockedList): boolean {
    return (
      this.#refusal === undefined && this.#inForce.some(({ list }) => list.id === id && list.rows === rows)
    )
  }

  drops(): ReadonlyMap<string, DropCount> {
    const sums = new Map(this.#before)
    if (this.#inForce.length === 0) return sums
    for (const [id, count] of this.#table?.drops() ?? []) sums.set(id, added(sums.get(id), count))
    return sums
  }

  takeCalled(): readonly Ip[] {
    return this.#inForce.length === 0 ? [] : (this.#table?.takeCalled() ?? [])
  }

  verify(now: number): void {
    if (this.#isWorking || this.#wanted.length === 0) return
    if (this.#refusal) {
      if (now >= this.#retryAt) void this.hold(this.#wanted)
      return
    }
    if (this.#isTouched()) {
      this.#inForce = []
      this.#repairs++
      this.#options.onRepair?.(
        `The table inet ${this.#options.table} was changed by another program; Gatehouse puts it back`,
      )
      void this.hold(this.#wanted)
    } else if (this.#inForce.some(({ at }) => now - at > REFILL_MS)) void this.hold(this.#wanted)
  }

  get health(): PartHealth | undefined {
    const part = 'block lists'
    if (this.#wanted.length === 0) return undefined
    if (this.#refusal) return { part, state: 'degraded', ...this.#refusal }
    const entries = this.#inForce.reduce((sum, list) => sum + list.entries, 0)
    const { table } = this.#options
    const times = this.#repairs === 1 ? 'once' : `${this.#repairs} times`
    const repaired = this.#repairs === 0 ? '' : `; another program changed it ${times}, put back each time`
    const count = `${this.#inForce.length} of ${this.#wanted.length} lists`
    return {
      part,
      state: 'ok',
      note: `${count} with ${entries} entries in the table inet ${table}${repaired}`,
    }
  }

  async stop(keep: boolean): Promise<void> {
    this.#wanted = this.#inForce.map(({ list }) => list)
    await this.#working
    if (!keep) this.#table?.remove()
    this.#table?.close()
    this.#table = undefined
    this.#inForce = []
    this.#wanted = []
  }

  async #settle(): Promise<boolean> {
    const table = this.#open()
    if (!table) return false
    this.#isWorking = true
    try {
      if (this.#wanted.length === 0) return this.#letGo(table)
      return await this.#fillAndSwitch(table)
    } finally {
      this.#isWorking = false
    }
  }

  async #fillAndSwitch(table: ListTable): Promise<boolean> {
    const now = this.#options.now()
    const next: FilledList[] = []
    for (const list of this.#wanted) {
      const known = this.#inForce.find((filled) => filled.list.id === list.id)
      const isGood = known?.list.rows === list.rows && now - known.at <= REFILL_MS && !this.#refusal
      const filled = isGood && known ? known : await table.fill(list, now)
      if (typeof filled === 'number') return this.#refused(filled)
      next.push(filled)
    }
    this.#keepCounts(table)
    const errno = table.putInForce(next, this.#spared)
    if (errno !== 0) return this.#refused(errno)
    this.#inForce = next
    this.#refusal = undefined
    this.#look(table)
    return true
  }

  /** Without a list there is no table, not even one of an earlier run. */
  #letGo(table: ListTable): boolean {
    this.#keepCounts(table)
    this.#inForce = []
    this.#refusal = undefined
    return table.exists ? table.remove() === 0 : true
  }

  #open(): ListTable | undefined {
    const { table, log } = this.#options
    try {
      this.#table ??= new ListTable(table, log && handedOver(log, 'list:'))
    } catch (error) {
      if (!(error instanceof KernelError)) throw error
      this.#refused(error.errno)
      return undefined
    }
    const { refusal } = this.#table
    if (refusal === 0) return this.#table
    this.#refused(refusal)
    return undefined
  }

  /** The counters of rules start anew with them. */
  #keepCounts(table: ListTable): void {
    if (this.#inForce.length === 0) return
    for (const [id, count] of table.drops()) this.#before.set(id, added(this.#before.get(id), count))
  }

  #done(errno: number): void {
    if (errno !== 0) this.#refused(errno)
    else if (this.#table) this.#look(this.#table)
  }

  #refused(errno: number): false {
    const { table, now } = this.#options
    const { reason, remedy } = refusalOf(errno, table, this.#table?.refusal === 0)
    this.#refusal = { reason: reason.replace('nothing is blocked', 'no list is in force'), remedy }
    this.#retryAt = now() + RETRY_MS
    return false
  }

  #look(table: ListTable): void {
    this.#fingerprint = table.fingerprint()
    this.#generation = table.generation
  }

  #isTouched(): boolean {
    const generation = this.#table?.generation
    if (generation === this.#generation) return false
    this.#generation = generation
    return this.#table?.fingerprint() !== this.#fingerprint
  }
}

const added = (before: DropCount = NOTHING, more: DropCount): DropCount => ({
  packets: before.packets + more.packets,
  bytes: before.bytes + more.bytes,
})
