import type { NftTable, SetChange } from '#kernel/nft.ts'
import type { NftElement } from '#kernel/nft-elements.ts'
import { ipBytes, networkOf, type Target } from '#model/address.ts'
import type { DropCount, EnforcedBlock } from './enforcer.ts'
import type { FamilySets } from './layout.ts'
import { addressBytes, addressNumber, type Segment, segmentAt, segmentKey, segmentsOf } from './segments.ts'

/** Counters by the first address of their segment. */
export type SegmentCounts = ReadonlyMap<bigint, DropCount>

/**
 * The ranges of one family in the kernel: the segments that drop, and the book with the ranges as they were asked
 * for. Changes only what differs from what it put there, in one transaction.
 */
export class RangeSets {
  readonly #sets: FamilySets
  readonly #bytes: 4 | 16
  #segments: readonly Segment[] = []
  #booked = new Map<Target, EnforcedBlock>()

  constructor(sets: FamilySets) {
    this.#sets = sets
    this.#bytes = sets.family === 4 ? 4 : 16
  }

  /** Makes the kernel hold exactly these ranges. Answers 0 or a positive errno. */
  sync(table: NftTable, wanted: readonly EnforcedBlock[], now: number): number {
    const segments = segmentsOf(wanted)
    const held = this.#segments.filter((segment) => isInForce(segment, now))
    const [heldKeys, keys] = [held, segments].map((list) => new Set(list.map(segmentKey)))
    const removed = held.filter((segment) => !keys?.has(segmentKey(segment)))
    const added = segments.filter((segment) => !heldKeys?.has(segmentKey(segment)))
    const counts = removed.length > 0 ? carryCounts(removed, added, this.#readCounts(table)) : undefined
    const wantedByTarget = new Map(wanted.map((range) => [range.target, range]))
    const unbooked = [...this.#booked.values()].filter(
      (range) => !isSame(range, wantedByTarget.get(range.target)) && isInForce(range, now),
    )
    const booked = wanted.filter((range) => !isSame(range, this.#booked.get(range.target)))
    const errno = table.change([
      {
        set: this.#sets.ranges,
        removed: removed.map((segment) => this.#bounds(segment)),
        elements: added.map((segment) => this.#element(segment, now, counts?.get(segment))),
      },
      {
        set: this.#sets.book,
        removed: unbooked.map(({ target }) => ({ key: this.#bookKey(target) })),
        elements: booked.map((range) => this.#bookEntry(range, now)),
      },
    ])
    // What expired a moment ago is gone or still in the way: then all is written anew.
    return this.#settle(errno && table.change(this.#refill(wanted, now, true)), wanted, segments)
  }

  /** The elements for a table that is built anew; `counts` are where the counters go on from. */
  fills(wanted: readonly EnforcedBlock[], now: number, counts: ReadonlyMap<Target, DropCount>): SetChange[] {
    this.#settle(0, wanted, segmentsOf(wanted))
    return this.#refill(wanted, now, false, counts)
  }

  /** True when the kernel lacks a segment that has still time to go. */
  isMissing(counts: SegmentCounts, now: number): boolean {
    return this.#segments.some(
      ({ first, until }) => (until === undefined || until > now) && !counts.has(first),
    )
  }

  #settle(errno: number, wanted: readonly EnforcedBlock[], segments: readonly Segment[]): number {
    if (errno !== 0) return errno
    this.#segments = segments
    this.#booked = new Map(wanted.map((range) => [range.target, range]))
    return 0
  }

  #refill(
    wanted: readonly EnforcedBlock[],
    now: number,
    isEmptied: boolean,
    counts?: ReadonlyMap<Target, DropCount>,
  ): SetChange[] {
    const unspent = new Map(counts)
    const elements = segmentsOf(wanted).map((segment) => {
      const counted = unspent.get(segment.owner)
      unspent.delete(segment.owner)
      return this.#element(segment, now, counted)
    })
    const book = wanted.map((range) => this.#bookEntry(range, now))
    return [
      { set: this.#sets.ranges, elements, isEmptied },
      { set: this.#sets.book, elements: book, isEmptied },
    ]
  }

  #readCounts(table: NftTable): SegmentCounts {
    const counts = new Map<bigint, DropCount>()
    table.dump(this.#sets.ranges, ({ key, isEnd, packets, bytes }) => {
      if (!isEnd) counts.set(addressNumber(key), { packets, bytes })
    })
    return counts
  }

  #element(segment: Segment, now: number, counted?: DropCount): NftElement {
    return {
      ...this.#bounds(segment),
      ...(segment.until !== undefined && { timeoutMs: segment.until - now }),
      ...(counted && { counted }),
    }
  }

  #bounds({ first, end }: Segment): Pick<NftElement, 'key' | 'end'> {
    const key = addressBytes(first, this.#bytes) ?? new Uint8Array(this.#bytes)
    const after = addressBytes(end, this.#bytes)
    return after ? { key, end: after } : { key }
  }

  #bookEntry({ target, until, note }: EnforcedBlock, now: number): NftElement {
    return { key: this.#bookKey(target), note, ...(until !== undefined && { timeoutMs: until - now }) }
  }

  /** Address, prefix length in 16 bits, padding. */
  #bookKey(target: Target): Uint8Array {
    const { network, bits } = networkOf(target)
    const key = new Uint8Array(this.#bytes + 4)
    key.set(ipBytes(network))
    key[this.#bytes + 1] = bits
    return key
  }
}

/** Drops by range. A segment counts for the narrowest range around it, also one that was cut by an earlier run. */
export function dropsByRange(
  ranges: readonly EnforcedBlock[],
  counts: SegmentCounts,
): Map<Target, DropCount> {
  const segments = segmentsOf(ranges)
  const sums = new Map<Target, DropCount>(ranges.map(({ target }) => [target, { packets: 0, bytes: 0 }]))
  for (const [first, { packets, bytes }] of counts) {
    const owner = segmentAt(segments, first)?.owner
    const sum = owner && sums.get(owner)
    if (sum) sums.set(owner, { packets: packets + sum.packets, bytes: bytes + sum.bytes })
  }
  return sums
}

const isInForce = ({ until }: { readonly until?: number }, now: number): boolean =>
  until === undefined || until > now

const isSame = (a: EnforcedBlock, b: EnforcedBlock | undefined): boolean =>
  b !== undefined && a.until === b.until && a.note === b.note

/** A segment that is cut anew takes its count along: to one of the same range, else to the one in its place. */
function carryCounts(
  removed: readonly Segment[],
  added: readonly Segment[],
  counts: SegmentCounts,
): Map<Segment, DropCount> {
  const carried = new Map<Segment, DropCount>()
  for (const old of removed) {
    const count = counts.get(old.first)
    const heir =
      added.find(({ owner, first, end }) => owner === old.owner && first < old.end && old.first < end) ??
      added.find(({ first, end }) => first <= old.first && old.first < end)
    if (!count || !heir) continue
    const sum = carried.get(heir)
    carried.set(heir, {
      packets: count.packets + (sum?.packets ?? 0),
      bytes: count.bytes + (sum?.bytes ?? 0),
    })
  }
  return carried
}
