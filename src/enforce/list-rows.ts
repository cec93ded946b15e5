import type { NftElement } from '#kernel/nft-elements.ts'
import type { ListedRows } from '#model/blocked-list.ts'

/** Rows of a list that are one address, and rows that are a range. */
export type RowKind = 'address' | 'range'

/**
 * The rows of one kind as elements, `size` at a time. What lies in another row that holds is left out: an interval set
 * refuses overlap, and the wider one says enough. `now` in milliseconds: what is over is left out too.
 */
export function* elementsOf(
  rows: ListedRows,
  kind: RowKind,
  { now, size }: { readonly now: number; readonly size: number },
): Generator<readonly NftElement[]> {
  const full = 32 * rows.starts.length
  let some: NftElement[] = []
  for (let row = 0; row < rows.bits.length; row++) {
    const isAddress = rows.bits[row] === full
    if (isAddress !== (kind === 'address') || !holds(rows, row, now) || hasHolder(rows, row, now)) continue
    if (some.push(elementOf(rows, row, now)) === size) {
      yield some
      some = []
    }
  }
  if (some.length > 0) yield some
}

const holds = ({ facts }: ListedRows, row: number, now: number): boolean => {
  const until = facts.until?.[row] ?? 0
  return until === 0 || until * 1000 > now
}

/** True when a row around it holds. */
function hasHolder(rows: ListedRows, row: number, now: number): boolean {
  for (let around = parentOf(rows, row); around >= 0; around = parentOf(rows, around)) {
    if (holds(rows, around, now)) return true
  }
  return false
}

const parentOf = ({ parents }: ListedRows, row: number): number =>
  parents === undefined ? -1 : (parents[row] as number) - 1

function elementOf(rows: ListedRows, row: number, now: number): NftElement {
  const words = rows.starts.length
  const bits = rows.bits[row] as number
  const key = new Uint8Array(4 * words)
  const view = new DataView(key.buffer)
  for (let word = 0; word < words; word++) view.setUint32(4 * word, rows.starts[word]?.[row] as number)
  const until = rows.facts.until?.[row] ?? 0
  const end = bits === 32 * words ? undefined : afterRange(key, bits)
  return { key, ...(end && { end }), ...(until > 0 && { timeoutMs: until * 1000 - now }) }
}

/** The first address behind a range; undefined behind the last range of all. */
function afterRange(network: Uint8Array, bits: number): Uint8Array | undefined {
  const end = network.slice()
  let carry = 1 << ((8 - (bits % 8)) % 8)
  for (let at = Math.ceil(bits / 8) - 1; at >= 0 && carry > 0; at--) {
    const sum = (end[at] as number) + carry
    end[at] = sum & 255
    carry = sum >> 8
  }
  return carry > 0 ? undefined : end
}
