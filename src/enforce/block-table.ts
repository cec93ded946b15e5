import { type Generation, NftTable } from '#kernel/nft.ts'
import type { SetFill } from '#kernel/nft-batches.ts'
import type { DumpedElement, NftElement } from '#kernel/nft-elements.ts'
import { type Cidr, type Ip, isRange, type Target } from '#model/address.ts'
import type { DropCount, EnforcedBlock } from './enforcer.ts'
import { FAMILY_SETS, type FamilySets, isOf, type Limits, layoutOf } from './layout.ts'
import { dropsByRange, RangeSets } from './range-sets.ts'
import { addressNumber, addressText, bytesOfAddress } from './segments.ts'

const ENOENT = 2
const EEXIST = 17

/** What the kernel holds, at the moment of the reading. */
export interface Reading {
  /** Also what others put into our sets. */
  readonly blocks: readonly EnforcedBlock[]
  readonly counts: ReadonlyMap<Target, DropCount>
  /** False when a segment of a range is gone. */
  readonly areRangesWhole: boolean
}

/** Blocks as elements of our table. Answers are 0 or a positive errno; only the constructor throws (KernelError). */
export class BlockTable {
  readonly #table: NftTable
  #limits: Limits
  readonly #ranges = FAMILY_SETS.map((sets) => ({ sets, kept: new RangeSets(sets) }))

  /** `limits` are dropped as far as the kernel cannot do that. */
  constructor(name: string, limits: Limits = {}) {
    this.#table = new NftTable(name)
    this.#limits = limits
  }

  /** Whether the table, as built last, slows refusals. */
  get hasBrake(): boolean {
    return this.#limits.refusals !== undefined
  }

  /** False for a limit on a kernel that has none: it blocks, and lets through whom it should slow. */
  canHold({ effect }: EnforcedBlock): boolean {
    return effect === undefined || this.#limits.packets !== undefined
  }

  /** Refusals held back since the table was built. */
  get brakedRefusals(): number {
    return this.hasBrake ? this.#table.ruleDrops() : 0
  }

  /** `wanted` are all blocks, this one among them: ranges that overlap are cut together. */
  put(block: EnforcedBlock, wanted: Iterable<EnforcedBlock>, now: number): number {
    return isRange(block.target) ? this.syncRanges(wanted, now) : this.#putAddress(block, now)
  }

  take(
    block: Pick<EnforcedBlock, 'target' | 'effect'>,
    wanted: Iterable<EnforcedBlock>,
    now: number,
  ): number {
    const { target } = block
    if (isRange(target)) return this.syncRanges(wanted, now)
    const errno = this.#table.change([
      { set: addressSetOf(block), removed: [{ key: bytesOfAddress(target) }], elements: [] },
    ])
    return errno === ENOENT ? 0 : errno
  }

  /** Asks for one address: a long reading beside changes may overlook some. */
  holdsAddress(block: EnforcedBlock): boolean {
    return this.#table.get(addressSetOf(block), bytesOfAddress(block.target as Ip)) !== undefined
  }

  /** Adds addresses that are new, in transactions of 100,000. */
  putManyAddresses(blocks: readonly EnforcedBlock[], now: number): number {
    return this.#table.addMany(this.#addressFills(blocks, now))
  }

  syncRanges(wanted: Iterable<EnforcedBlock>, now: number): number {
    const all = [...wanted]
    for (const { sets, kept } of this.#ranges) {
      const errno = kept.sync(
        this.#table,
        all.filter(({ target }) => isOf(sets, target, 'range')),
        now,
      )
      if (errno !== 0) return errno
    }
    return 0
  }

  /** Puts table and blocks in place, whatever was there: in one transaction, so nobody slips through. */
  rebuild(wanted: Iterable<EnforcedBlock>, counts: ReadonlyMap<Target, DropCount>, now: number): number {
    const all = [...wanted]
    const fills: SetFill[] = this.#addressFills(all, now, counts)
    for (const { sets, kept } of this.#ranges) {
      const ranges = all.filter(({ target }) => isOf(sets, target, 'range'))
      fills.push(...kept.fills(ranges, now, counts))
    }
    let errno = 0
    for (let limits: Limits | undefined = this.#limits; limits; limits = fewer(limits)) {
      errno = this.#build(limits, fills)
      if (errno !== 0) continue
      this.#limits = limits
      return 0
    }
    return errno
  }

  /** An errno when the table is not there or the kernel refuses. */
  async read(now: number): Promise<Reading | number> {
    const blocks: EnforcedBlock[] = []
    const counts = new Map<Target, DropCount>()
    let areRangesWhole = true
    for (const { sets, kept } of this.#ranges) {
      const segments = new Map<bigint, DropCount>()
      const booked: EnforcedBlock[] = []
      const errno =
        (await this.#table.dumpSlowly(sets.addresses, (element) => {
          const target = addressText(element.key)
          blocks.push(blockOf(target, element, now))
          counts.set(target, { packets: element.packets, bytes: element.bytes })
        })) ||
        (await this.#readLimited(sets, (element) => {
          const target = addressText(element.key)
          blocks.push({ ...blockOf(target, element, now), effect: 'limit' })
          if (!counts.has(target)) counts.set(target, { packets: 0, bytes: 0 })
        })) ||
        (await this.#table.dumpSlowly(sets.book, (element) => {
          booked.push(blockOf(bookedTarget(element.key), element, now))
        })) ||
        (await this.#table.dumpSlowly(sets.ranges, ({ key, isEnd, packets, bytes }) => {
          if (!isEnd) segments.set(addressNumber(key), { packets, bytes })
        }))
      if (errno !== 0) return errno
      blocks.push(...booked)
      for (const [target, count] of dropsByRange(booked, segments)) counts.set(target, count)
      if (kept.isMissing(segments, now + EXPIRY_SLACK_MS)) areRangesWhole = false
    }
    return { blocks, counts, areRangesWhole }
  }

  /** The errno with which the kernel refuses us, or where the ruleset stands. */
  generation(): Generation | number {
    return this.#table.generation()
  }

  get committed(): number {
    return this.#table.committed
  }

  fingerprint(): string | undefined {
    return this.#table.fingerprint()
  }

  remove(): number {
    return this.#table.remove()
  }

  close(): void {
    this.#table.close()
  }

  #build(limits: Limits, fills: readonly SetFill[]): number {
    const paced = new Set(FAMILY_SETS.map(({ limited }) => limited))
    const held = limits.packets ? fills : fills.filter(({ set }) => !paced.has(set))
    return this.#table.build(layoutOf(this.#table.name, limits), held)
  }

  /** Not there while this kernel, or a table of an older version, has no such set: then nobody is limited. */
  async #readLimited(sets: FamilySets, read: (element: DumpedElement) => void): Promise<number> {
    const errno = await this.#table.dumpSlowly(sets.limited, read)
    return errno === ENOENT ? 0 : errno
  }

  #addressFills(
    blocks: readonly EnforcedBlock[],
    now: number,
    counts?: ReadonlyMap<Target, DropCount>,
  ): SetFill[] {
    const fills = addressFills(blocks, now, counts)
    if (this.#limits.packets === undefined) return fills
    const limited = blocks.filter(({ effect }) => effect === 'limit')
    return [
      ...fills,
      ...FAMILY_SETS.map((sets) => ({
        set: sets.limited,
        elements: limited
          .filter(({ target }) => isOf(sets, target, 'address'))
          .map((block) => addressElement(block, now)),
      })),
    ]
  }

  /** A new end for a block that is there: out and in within one transaction, the counter goes on. */
  #putAddress(block: EnforcedBlock, now: number): number {
    const set = addressSetOf(block)
    const element = addressElement(block, now)
    const errno = this.#table.add(set, element)
    if (errno !== EEXIST) return errno
    const { key } = element
    // A limited address has no counter.
    const counted = block.effect ? undefined : this.#table.get(set, key)
    const changed = this.#table.change([
      { set, removed: [{ key }], elements: [counted ? { ...element, counted } : element] },
    ])
    // It expired in between.
    return changed === ENOENT ? this.#table.add(set, element) : changed
  }
}

/** A kernel without nfnetlink_log must still slow, and one without nft_limit must still block. */
function fewer({ log, ...unwritten }: Limits): Limits | undefined {
  if (log) return unwritten
  return Object.keys(unwritten).length === 0 ? undefined : {}
}

/** The kernel's clock and ours end a timeout at slightly different moments. */
export const EXPIRY_SLACK_MS = 2000

function addressFills(
  blocks: readonly EnforcedBlock[],
  now: number,
  counts?: ReadonlyMap<Target, DropCount>,
): SetFill[] {
  return FAMILY_SETS.map((sets) => ({
    set: sets.addresses,
    elements: blocks
      .filter(({ target, effect }) => effect === undefined && isOf(sets, target, 'address'))
      .map((block) => {
        const counted = counts?.get(block.target)
        const element = addressElement(block, now)
        return counted && counted.packets > 0 ? { ...element, counted } : element
      }),
  }))
}

function addressElement({ target, until, note }: EnforcedBlock, now: number): NftElement {
  return { key: bytesOfAddress(target as Ip), note, ...(until !== undefined && { timeoutMs: until - now }) }
}

function addressSetOf({ target, effect }: Pick<EnforcedBlock, 'target' | 'effect'>): string {
  const sets = FAMILY_SETS.find((each: FamilySets) => isOf(each, target, 'address'))
  if (sets === undefined) throw new Error(`${target} is a range`)
  return effect === 'limit' ? sets.limited : sets.addresses
}

function bookedTarget(key: Uint8Array): Cidr {
  const length = key.length - 4
  return `${addressText(key.slice(0, length))}/${key[length + 1]}` as Cidr
}

function blockOf(target: Target, element: DumpedElement, now: number): EnforcedBlock {
  const { note, remainingMs } = element
  return { target, note, ...(remainingMs !== undefined && { until: now + remainingMs }) }
}
