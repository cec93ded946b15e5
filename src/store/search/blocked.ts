import type { DatabaseSync } from 'node:sqlite'
import { type AddressRange, compareWords, parseRange, type Words } from '#contract/search/address-range.ts'
import type { BlockedAddresses } from './binding.ts'

/** What the blocks in force at `now` name. */
export function blockedRanges(db: DatabaseSync, now: number): AddressRange[] {
  const rows = db
    .prepare('SELECT target FROM blocks WHERE effect IS NULL AND (until IS NULL OR until > ?)')
    .all(now)
  return rows.flatMap((row) => parseRange(String(row['target'])) ?? [])
}

/** Single addresses are many and found by their key, ranges are few and compared. */
export function createBlockedAddresses(blocked: readonly AddressRange[]): BlockedAddresses {
  const single = new Set<string>()
  const ranges: AddressRange[] = []
  for (const range of blocked) {
    const [low, high] = [range.low.join(), range.high.join()]
    if (low === high) single.add(`${range.version} ${low}`)
    else ranges.push(range)
  }
  return {
    has(address) {
      const version = address.length === 4 ? 4 : 6
      const view = new DataView(address.buffer, address.byteOffset, address.length)
      const wordAt = (at: number): number => (version === 4 ? 0 : view.getUint32(at))
      const words: Words = [wordAt(0), wordAt(4), wordAt(8), view.getUint32(address.length - 4)]
      if (single.has(`${version} ${words.join()}`)) return true
      return ranges.some(
        (range) =>
          range.version === version &&
          compareWords(words, range.low) >= 0 &&
          compareWords(words, range.high) <= 0,
      )
    },
  }
}
