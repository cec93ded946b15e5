import type { Block } from '../../src/contract/schemas.ts'
import { isInRange, parseRange } from '../../src/contract/search/address-range.ts'

/** Finds the blocks that name an address, alone or within a range; who is only limited is not blocked. */
export function blockFinder(all: readonly Block[]): (address: string) => Block[] {
  const blocks = all.filter(({ effect }) => effect === undefined)
  const byTarget = new Map(blocks.map((block) => [block.target, block]))
  const ranges = blocks.flatMap((block) => {
    const range = block.target.includes('/') ? parseRange(block.target) : undefined
    return range ? [{ block, range }] : []
  })
  return (address) => {
    const alone = byTarget.get(address)
    const wide = ranges.flatMap(({ block, range }) => (isInRange(address, range) ? [block] : []))
    return alone ? [alone, ...wide] : wide
  }
}
