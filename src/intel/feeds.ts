import { existsSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { type Ip, networkOf, type Target } from '#model/address.ts'
import { type FeedMemory, freshMemory, readFeedMemory, writeFeedMemory } from './feed-memory.ts'
import type { FeedPlan } from './feed-plan.ts'
import { Indicators } from './indicators/indicators.ts'
import type { ListColumns } from './indicators/list-columns.ts'
import { readKeyFile } from './key-file.ts'
import type { ListReader } from './reader.ts'
import type { IntelSettings, ListAction } from './settings.ts'
import { reasonToHold } from './update/compare.ts'
import type { Origin } from './update/documents.ts'
import { isStale, nextTryAt } from './update/schedule.ts'
import type { UpdateOutcome, UpdatePlan } from './update/update-list.ts'

export type FeedState = 'off' | 'waiting' | 'ok' | 'stale' | 'failing' | 'held'

/** A list with how it is doing. */
export interface Feed {
  readonly plan: FeedPlan
  readonly isOn: boolean
  readonly action: ListAction
  readonly state: FeedState
  readonly memory: Readonly<FeedMemory>
}

export interface FeedsParts {
  readonly plans: readonly FeedPlan[]
  readonly settings: Pick<IntelSettings, 'maxShrink' | 'maxGrow' | 'maxMegabytes' | 'maxEntries' | 'proxy'>
  /** Where lists are kept. */
  readonly folder: string
  readonly reader: ListReader
  readonly indicators: Indicators
  readonly now: () => number
  /** 0 to 1, another each time. */
  readonly chance: () => number
  /** Peers of this month. */
  readonly talkedTo: () => Promise<readonly Ip[]>
  readonly allowed: () => readonly Target[]
  /** Told once when a list gets into trouble, and with nothing when it is out of it. */
  readonly troubled: (plan: FeedPlan, trouble: string | undefined) => void
  /** Told when what is in force, or what a list is set to, has changed. */
  readonly changed: () => void
}

/** A sentence for people, thrown when what they ask of a list cannot be done. */
export class FeedRefusal extends Error {
  readonly hint: string

  constructor(message: string, hint: string) {
    super(message)
    this.name = 'FeedRefusal'
    this.hint = hint
  }
}

/** Failures in a row until people are told: a server may be away for a while. */
const PATIENCE = 3

/** Every list that could be on: switches them, keeps them fresh, and judges each new version before it counts. */
export class Feeds {
  readonly #parts: FeedsParts
  readonly #plans: ReadonlyMap<string, FeedPlan>
  readonly #memories: Map<string, FeedMemory>
  readonly #updating = new Map<string, Promise<void>>()

  constructor(parts: FeedsParts) {
    this.#parts = parts
    this.#plans = new Map(parts.plans.map((plan) => [plan.id, plan]))
    this.#memories = readFeedMemory(this.#path('feeds.json'))
  }

  /** Takes up the versions that are on the disk. */
  async start(): Promise<void> {
    for (const { plan } of this.all().filter(({ isOn }) => isOn)) await this.#takeUp(plan)
    this.#parts.changed()
  }

  all(): Feed[] {
    return [...this.#plans.values()].map((plan) => this.#feedOf(plan))
  }

  byId(id: string): Feed | undefined {
    const plan = this.#plans.get(id)
    return plan && this.#feedOf(plan)
  }

  /** Begins what is due, one list at a time. Call every few seconds. */
  tick(): void {
    const now = this.#parts.now()
    const on = this.all().filter(({ isOn }) => isOn)
    for (const feed of on) this.#tellTrouble(feed)
    if (this.#updating.size > 0) return
    const due = on.find(({ memory }) => (memory.nextTryAt ?? 0) <= now)
    if (due) void this.#update(due.plan).then(() => this.tick())
  }

  /** Switches a list on, or changes what it does. Nothing was ever fetched of it before. Throws `FeedRefusal`. */
  async switchOn(id: string, action: ListAction | undefined): Promise<Feed> {
    const plan = this.#changeable(id)
    const memory = this.#memoryOf(id)
    const wasOn = memory.isOn
    memory.isOn = true
    if (action !== undefined) memory.action = action
    if (!wasOn) memory.nextTryAt = undefined
    this.#save()
    if (!wasOn) await this.#takeUp(plan)
    this.#parts.changed()
    return this.#feedOf(plan)
  }

  switchOff(id: string): Feed {
    const plan = this.#changeable(id)
    this.#memoryOf(id).isOn = false
    this.#parts.indicators.remove(id)
    this.#save()
    this.#parts.changed()
    return this.#feedOf(plan)
  }

  /** Has a list anew now. Throws `FeedRefusal` when it is off. */
  async update(id: string): Promise<Feed> {
    const { plan, isOn } = this.#known(id)
    if (!isOn) throw new FeedRefusal(`The list ${id} is off.`, `Switch it on: gatehouse feeds on ${id}`)
    await this.#update(plan)
    return this.#feedOf(plan)
  }

  /** Takes the version that waits for a person, or throws it away. Throws `FeedRefusal` when none waits. */
  async decide(id: string, isAccepted: boolean): Promise<Feed> {
    const { plan } = this.#known(id)
    const memory = this.#memoryOf(id)
    const { held } = memory
    if (!held) throw new FeedRefusal(`No version of ${id} waits for you.`, 'See: gatehouse feeds')
    if (isAccepted) {
      const columns = await this.#parts.reader.load(
        this.#path(`${id}.held.gz`),
        this.#parts.settings.maxEntries,
      )
      renameSync(this.#path(`${id}.held.gz`), this.#path(`${id}.gz`))
      if (this.#feedOf(plan).isOn) this.#adopt(id, columns)
      memory.entries = held.entries
      memory.validators = held.validators
      memory.updatedAt = held.at
    } else rmSync(this.#path(`${id}.held.gz`), { force: true })
    memory.held = undefined
    this.#save()
    return this.#feedOf(plan)
  }

  /** Peers of this month that the list holds now: who asks it to block should know. */
  async wouldBlock(id: string): Promise<readonly Ip[]> {
    const columns = this.#parts.indicators.columnsOf(id)
    return columns ? heldBy(columns, await this.#parts.talkedTo(), this.#parts.now()) : []
  }

  #known(id: string): Feed {
    const feed = this.byId(id)
    if (feed) return feed
    throw new FeedRefusal(`There is no list ${JSON.stringify(id)}.`, 'List them: gatehouse feeds')
  }

  #changeable(id: string): FeedPlan {
    const { plan } = this.#known(id)
    if (!plan.fixed) return plan
    const where = plan.isOwn ? 'intel.lists' : `intel.feeds.${id}`
    throw new FeedRefusal(`The config decides about ${id}.`, `Change or remove ${where} there, and restart.`)
  }

  #feedOf(plan: FeedPlan): Feed {
    const memory = this.#memories.get(plan.id) ?? freshMemory()
    const { isOn, action } = plan.fixed ?? memory
    return { plan, isOn, action, state: this.#stateOf(plan, memory, isOn), memory }
  }

  #stateOf({ everyHours }: FeedPlan, memory: FeedMemory, isOn: boolean): FeedState {
    if (!isOn) return 'off'
    if (memory.held) return 'held'
    if (isStale(this.#parts.now(), memory.updatedAt, everyHours)) return 'stale'
    if (memory.failures > 0) return 'failing'
    return memory.updatedAt === undefined ? 'waiting' : 'ok'
  }

  #memoryOf(id: string): FeedMemory {
    const known = this.#memories.get(id) ?? freshMemory()
    this.#memories.set(id, known)
    return known
  }

  /** Reads the version on the disk; without one, or with a broken one, the list is fetched soon. */
  async #takeUp({ id }: FeedPlan): Promise<void> {
    const path = this.#path(`${id}.gz`)
    try {
      if (!existsSync(path)) throw new Error('there is none')
      const { reader, indicators, settings } = this.#parts
      indicators.replace(id, await reader.load(path, settings.maxEntries))
    } catch {
      Object.assign(this.#memoryOf(id), {
        validators: {},
        entries: 0,
        updatedAt: undefined,
        nextTryAt: undefined,
      })
    }
  }

  #update(plan: FeedPlan): Promise<void> {
    const running =
      this.#updating.get(plan.id) ?? this.#updateOnce(plan).finally(() => this.#updating.delete(plan.id))
    this.#updating.set(plan.id, running)
    return running
  }

  async #updateOnce(plan: FeedPlan): Promise<void> {
    const now = this.#parts.now()
    this.#memoryOf(plan.id).triedAt = now
    const outcome = await this.#fetch(plan, now)
    const memory = this.#memoryOf(plan.id)
    const isGood = outcome.state === 'unchanged' || outcome.state === 'read'
    memory.failures = isGood ? 0 : memory.failures + 1
    memory.reason = isGood ? undefined : `It ${outcome.reason}.`
    if (outcome.state === 'unchanged') memory.updatedAt = now
    if (outcome.state === 'read') await this.#judge(plan, outcome, now)
    const { everyHours } = plan
    const { failures } = memory
    const retry = outcome.state === 'busy' ? outcome.retryAfterSeconds : undefined
    const chance = this.#parts.chance()
    memory.nextTryAt = nextTryAt({
      now,
      everyHours,
      failures,
      chance,
      ...(retry !== undefined && { retryAfterSeconds: retry }),
    })
    this.#save()
    this.#tellTrouble(this.#feedOf(plan))
  }

  async #fetch(plan: FeedPlan, now: number): Promise<UpdateOutcome> {
    const { reader, settings } = this.#parts
    const kept = this.#path(`${plan.id}.gz`)
    try {
      const { held, validators } = this.#memoryOf(plan.id)
      const order: UpdatePlan = {
        origin: originOf(plan),
        format: plan.format,
        // What waits for a person need not be fetched again.
        validators: held?.validators ?? (existsSync(kept) ? validators : {}),
        newFile: this.#path(`${plan.id}.new.gz`),
        maxBytes: settings.maxMegabytes * 1_000_000,
        maxEntries: settings.maxEntries,
        isOwn: plan.isOwn,
        proxy: settings.proxy,
        now,
      }
      return await reader.update(order, kept, `list ${plan.id}`)
    } catch (error) {
      return { state: 'failed', reason: `could not be read: ${(error as Error).message}` }
    }
  }

  /** Compares a new version with the one in force: it takes its place, or waits for a person. */
  async #judge(
    plan: FeedPlan,
    outcome: Extract<UpdateOutcome, { state: 'read' }>,
    now: number,
  ): Promise<void> {
    const { columns, validators } = outcome
    const { settings, talkedTo, allowed } = this.#parts
    const { id } = plan
    const memory = this.#memoryOf(id)
    const after = columns.counts.targets + columns.counts.domains + columns.counts.others
    const { isOn, action } = this.#feedOf(plan)
    const blocks = action === 'block'
    const reason = reasonToHold({
      before: memory.entries,
      after,
      maxShrink: settings.maxShrink,
      maxGrow: settings.maxGrow,
      talkedTo: blocks ? heldBy(columns, await talkedTo(), now) : [],
      allowed: blocks ? heldBy(columns, allowed(), now) : [],
    })
    if (reason !== undefined) {
      renameSync(this.#path(`${id}.new.gz`), this.#path(`${id}.held.gz`))
      memory.held = { reason, entries: after, at: now, validators }
      return
    }
    renameSync(this.#path(`${id}.new.gz`), this.#path(`${id}.gz`))
    rmSync(this.#path(`${id}.held.gz`), { force: true })
    if (isOn) this.#adopt(id, columns)
    Object.assign(memory, { held: undefined, entries: after, validators, updatedAt: now })
  }

  #adopt(id: string, columns: ListColumns): void {
    this.#parts.indicators.replace(id, columns)
    this.#parts.changed()
  }

  #tellTrouble({ plan, state, memory }: Feed): void {
    const trouble = troubleOf(state, memory)
    const kept = this.#memoryOf(plan.id)
    if (kept.told === trouble) return
    kept.told = trouble
    this.#save()
    this.#parts.troubled(plan, trouble)
  }

  #path(name: string): string {
    return join(this.#parts.folder, name)
  }

  /** A full disk must not stop what goes on in memory; the next change tries again. */
  #save(): void {
    try {
      writeFeedMemory(this.#path('feeds.json'), this.#memories)
    } catch {
      // Told by the store, which lives on the same disk.
    }
  }
}

function troubleOf(state: FeedState, { failures, reason, held }: FeedMemory): string | undefined {
  if (state === 'held') return `a new version waits for you: ${held?.reason}`
  if (state === 'stale') return `it is out of date. ${reason ?? ''}`.trim()
  return state === 'failing' && failures >= PATIENCE
    ? `it could not be had ${PATIENCE} times in a row`
    : undefined
}

function originOf({ from, authorizationFile }: FeedPlan): Origin {
  if ('file' in from) return { kind: 'file', path: from.file }
  // Read each time: a key may be renewed.
  const key = authorizationFile === undefined ? undefined : readKeyFile(authorizationFile)
  return { kind: 'url', ...from, ...(key !== undefined && { authorization: key }) }
}

/** Of addresses and ranges, those whose (first) address the list holds. */
function heldBy<One extends Target>(columns: ListColumns, targets: readonly One[], now: number): One[] {
  const probe = new Indicators({ k0: 0, k1: 0 })
  probe.replace('new', columns)
  return targets.filter((target) => probe.ofAddress(networkOf(target).network, now).length > 0)
}
