import type { EnforcedBlock, Enforcer } from '#enforce/enforcer.ts'
import type { ListEnforcer } from '#enforce/lists.ts'
import { contains, isRange, overlaps, type Target } from '#model/address.ts'
import type { AllowEntry } from '#model/allow.ts'
import type { Block, BlockOrigin, CountedBlock } from '#model/block.ts'
import type { Decision } from '#model/decision.ts'
import type { Store } from '#store/store.ts'
import { ListDoor } from './list-door.ts'

export interface BlockOrder {
  readonly target: Target
  readonly effect?: 'limit'
  /** Absent: until somebody unblocks it. */
  readonly seconds?: number
  readonly origin: BlockOrigin
  readonly actor: string
  readonly reason: string
  readonly alertId?: number
  /** The decision that this order takes back. */
  readonly undoes?: number
}

/** What came of an order. `recorded` settles when the store has it on disk. */
export type GateAnswer =
  | {
      readonly state: 'blocked'
      readonly block: Block
      readonly enforced: boolean
      readonly decision: Decision
      readonly recorded: Promise<void>
    }
  | {
      readonly state: 'spared'
      readonly by: AllowEntry
      readonly decision: Decision
      readonly recorded: Promise<void>
    }

export interface UnblockAnswer {
  readonly block: Block
  readonly decision: Decision
  readonly recorded: Promise<void>
}

export interface GateParts {
  readonly enforcer: Enforcer
  readonly store: Pick<Store, 'recordDecision' | 'remembered'>
  spares(target: Target): AllowEntry | undefined
  /** Takes in who must stay reachable at this moment: asked before a person's blocks; those of detectors are in a hurry. */
  look?(): void
  /** For whole lists, with all that the allow list has; absent where nothing is enforced. */
  readonly lists?: { readonly enforcer: ListEnforcer; allowed(): readonly Target[] }
  now(): number
  /** Told after each change of the list, with the block that was put in or taken away. */
  changed(decision: Decision, block?: Block): void
}

/** A decision before it has its number and time. */
export type Undated = Omit<Decision, 'id' | 'at'>

type Change = Parameters<Store['recordDecision']>[1]

interface Counted {
  block: Block
  packets: number
  bytes: number
  lastDropAt: number | undefined
  enforced: boolean
}

/**
 * The one door through which every block and unblock goes, whoever asks: allow list, kernel, record, in this
 * order. The kernel comes before the record because an attacker is quicker than a disk; the element carries its
 * reason, so that a crash in between loses nothing: the next start adopts it.
 */
export class Gate {
  readonly #parts: GateParts
  readonly #book = new Map<Target, Counted>()
  /** Ranges are few; addresses are found by their key. */
  readonly #ranges = new Set<Target>()
  #lastDecisionId: number
  #droppedPackets = 0
  /** Threat lists that are turned away as a whole. */
  readonly lists: ListDoor | undefined

  constructor(parts: GateParts) {
    this.#parts = parts
    this.#lastDecisionId = parts.store.remembered.lastDecisionId
    const { lists, spares, now } = parts
    this.lists = lists && new ListDoor({ ...lists, spares, now, note: (undated) => this.note(undated) })
  }

  block(order: BlockOrder): GateAnswer {
    const { target, origin, actor, reason, seconds, effect } = order
    const links = {
      ...(order.alertId === undefined ? {} : { alertId: order.alertId }),
      ...(order.undoes === undefined ? {} : { undoes: order.undoes }),
    }
    if (origin === 'person') this.#parts.look?.()
    const by = this.#parts.spares(target)
    if (by) {
      const why = `not blocked (${reason}): ${by.note}`
      const noted = this.note({ kind: 'spare', target, actor, reason: why, ...links })
      return { state: 'spared', by, ...noted }
    }
    const decision = this.#decide({
      kind: effect ?? 'block',
      target,
      actor,
      reason,
      ...(seconds ? { forSeconds: seconds } : {}),
      ...links,
    })
    const block: Block = {
      target,
      ...(effect && { effect }),
      origin,
      actor,
      reason,
      since: decision.at,
      decisionId: decision.id,
      ...(seconds ? { until: decision.at + seconds * 1000 } : {}),
      ...(order.alertId === undefined ? {} : { alertId: order.alertId }),
    }
    const enforced = this.#parts.enforcer.block(enforcedBlock(block), decision.at)
    this.#enter(block, enforced)
    return { state: 'blocked', block, enforced, decision, recorded: this.#record(decision, { add: block }) }
  }

  unblock(
    target: Target,
    by: { readonly actor: string; readonly reason: string; readonly undoes?: number },
  ): UnblockAnswer | undefined {
    return this.#remove({ kind: 'unblock', target, ...by })
  }

  /** Records an act that changes no block: an allow entry, for example. */
  note(undated: Undated): { readonly decision: Decision; readonly recorded: Promise<void> } {
    const decision = this.#decide(undated)
    return { decision, recorded: this.#record(decision) }
  }

  /** The entry of the allow list because of which nothing may be done about `target`. */
  spares(target: Target): AllowEntry | undefined {
    return this.#parts.spares(target)
  }

  /** Newest first. */
  blocks(): CountedBlock[] {
    return [...this.#book.values()].map(asCountedBlock).sort((a, b) => b.since - a.since)
  }

  get count(): number {
    return this.#book.size
  }

  /** Packets that the blocks turned away since the start, those that are over included. */
  get droppedPackets(): number {
    return this.#droppedPackets
  }

  /** The block in force under exactly this name. */
  blockNamed(target: Target): Block | undefined {
    return this.#book.get(target)?.block
  }

  /** The block, or limit, in force that names this address; also of a list that is turned away as a whole. */
  blockOf(address: Target): Block | undefined {
    const exact = this.#book.get(address)
    if (exact) return exact.block
    for (const range of this.#ranges) if (contains(range, address)) return this.#book.get(range)?.block
    return this.lists?.blockOf(address)
  }

  /** The block that turns this address away altogether: a limit does not. */
  shutOutBy(address: Target): Block | undefined {
    const block = this.blockOf(address)
    return block?.effect === undefined ? block : undefined
  }

  /** Brings what was remembered and what the kernel held together. Call once, before the first order. */
  adopt(held: readonly EnforcedBlock[]): void {
    const unknown = new Map(held.map((kept) => [kept.target, kept]))
    const missing: Block[] = []
    for (const remembered of this.#parts.store.remembered.blocks) {
      const isHeld = unknown.delete(remembered.target)
      if (this.#parts.spares(remembered.target)) {
        this.#refuseRemembered(remembered)
        continue
      }
      this.#enter(remembered, isHeld)
      if (!isHeld) missing.push(remembered)
    }
    // In one transaction: a hundred thousand take half a second. `tick` reads back which of them the kernel holds.
    if (missing.length > 0) this.#parts.enforcer.blockMany(missing.map(enforcedBlock), this.#parts.now())
    for (const kept of unknown.values()) this.#adoptUnknown(kept)
  }

  /** Ends what is over, and reads the counters. Call once a second. */
  tick(): void {
    const at = this.#parts.now()
    this.#readCounters(at)
    this.lists?.tick()
    for (const { block } of [...this.#book.values()]) {
      if (block.until === undefined || block.until > at) continue
      const { target, decisionId } = block
      this.#remove({
        kind: 'expire',
        target,
        actor: 'gatehouse',
        reason: 'its time was over',
        undoes: decisionId,
      })
    }
  }

  /** Takes back the blocks that a new allow entry forbids; `actor`: who put it there. */
  release(entry: AllowEntry, actor = 'gatehouse'): readonly UnblockAnswer[] {
    this.lists?.spare()
    const answers: UnblockAnswer[] = []
    for (const { block } of [...this.#book.values()]) {
      if (!overlaps(entry.target, block.target)) continue
      const reason = `the allow list has it now: ${entry.note}`
      const answer = this.#remove({ kind: 'unblock', target: block.target, actor, reason })
      if (answer) answers.push(answer)
    }
    return answers
  }

  #decide(undated: Undated): Decision {
    return { id: ++this.#lastDecisionId, at: this.#parts.now(), ...undated }
  }

  #record(decision: Decision, change?: Change, block = change?.add): Promise<void> {
    const recorded = this.#parts.store.recordDecision(decision, change)
    this.#parts.changed(decision, block)
    return recorded
  }

  #enter(block: Block, enforced: boolean): void {
    const known = this.#book.get(block.target) ?? { packets: 0, bytes: 0, lastDropAt: undefined }
    this.#book.set(block.target, { ...known, block, enforced })
    if (isRange(block.target)) this.#ranges.add(block.target)
  }

  #remove(undated: Undated): UnblockAnswer | undefined {
    const known = this.#book.get(undated.target)
    if (!known) return undefined
    this.#book.delete(undated.target)
    this.#ranges.delete(undated.target)
    this.#parts.enforcer.unblock(undated.target)
    const decision = this.#decide(undated)
    return {
      block: known.block,
      decision,
      recorded: this.#record(decision, { remove: undated.target }, known.block),
    }
  }

  #readCounters(at: number): void {
    const { enforcer } = this.#parts
    const counters = enforcer.counters()
    for (const known of this.#book.values()) {
      const drops = counters.get(known.block.target)
      known.enforced = enforcer.health.state === 'ok' && drops !== undefined
      if (!drops) continue
      const fresh = drops.packets - known.packets
      if (fresh > 0) known.lastDropAt = at
      this.#droppedPackets += Math.max(0, fresh)
      known.packets = drops.packets
      known.bytes = drops.bytes
    }
  }

  #refuseRemembered(remembered: Block): void {
    this.#enter(remembered, false)
    const { target } = remembered
    this.#remove({ kind: 'unblock', target, actor: 'gatehouse', reason: 'the allow list names it now' })
  }

  /** The kernel holds a block that the store does not know: a crash came between the two. */
  #adoptUnknown(kept: EnforcedBlock): void {
    const { target } = kept
    if (this.#parts.spares(target)) {
      this.#parts.enforcer.unblock(target)
      return
    }
    const reason = kept.note === '' ? 'found in the kernel at start' : kept.note
    const decision = this.#decide({ kind: 'adopt', target, actor: 'gatehouse', reason })
    const block: Block = {
      target,
      ...(kept.effect && { effect: kept.effect }),
      origin: 'kernel',
      actor: 'gatehouse',
      reason,
      since: decision.at,
      decisionId: decision.id,
      ...(kept.until === undefined ? {} : { until: kept.until }),
    }
    this.#enter(block, true)
    void this.#record(decision, { add: block })
  }
}

function asCountedBlock(known: Counted): CountedBlock {
  return {
    ...known.block,
    droppedPackets: known.packets,
    droppedBytes: known.bytes,
    enforced: known.enforced,
    ...(known.lastDropAt === undefined ? {} : { lastDropAt: known.lastDropAt }),
  }
}

/** The kernel element's own text: enough to say who and why after a crash. */
const enforcedBlock = (block: Block): EnforcedBlock => ({
  target: block.target,
  ...(block.effect && { effect: block.effect }),
  note: `${block.actor}: ${block.reason}`.replace(/[^\x20-\x7e]/g, '?').slice(0, 120),
  ...(block.until === undefined ? {} : { until: block.until }),
})
