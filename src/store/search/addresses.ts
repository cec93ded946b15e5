import type { AddressRange } from '#contract/search/address-range.ts'
import { rangeKeys } from '../columns/filter-keys.ts'
import type { Lead } from './lead.ts'
import type { Part, TermTools } from './part.ts'

const MAX_BLOCKED_WALKS = 32
/** Of few blocks the segments that their peers are in are looked up. */
const MAX_BLOCKED_KEYS = 8

/** Which column holds the address, by direction: the peer of an inbound flow (code 0) is its source. */
const SIDES = {
  src: [['source', '0, 1, 2, 3']],
  dst: [['target', '0, 1, 2, 3']],
  peer: [
    ['source', '0'],
    ['target', '1, 2, 3'],
  ],
} as const

/** A test of addresses on one side of a flow, or on its peer. */
export function addressPart(key: keyof typeof SIDES, range: AddressRange, { bind }: TermTools): Part {
  const bytes = bytesOfRange(range)
  const [low, high] = [bind.value(bytes.low), bind.value(bytes.high)]
  const length = range.version === 4 ? 4 : 16
  const walks = SIDES[key].map(([column, directions]) => ({
    index: `flows_${column}`,
    // `length`: IPv4 addresses lie between IPv6 addresses in an index of bytes.
    condition: `direction IN (${directions}) AND flows.${column} BETWEEN ${low} AND ${high}
      AND length(flows.${column}) = ${length}`,
    values: bind.values,
  }))
  const leads = SIDES[key].map(
    ([column, directions]): Lead => ({
      column,
      fits: (address) => address.length === length && isBetween(address, bytes),
      keys: rangeKeys(column, bytes, key !== 'peer' ? [true, false] : [column === 'source']),
      ...(key === 'peer' && { directions: directions.split(', ').map(Number) }),
    }),
  )
  return { condition: `(${walks.map(({ condition }) => `(${condition})`).join(' OR ')})`, walks, leads }
}

/** A loop: it runs for each address of a segment. */
function compareBytes(one: Uint8Array, other: Uint8Array): number {
  for (let at = 0; at < one.length; at++) {
    const difference = (one[at] as number) - (other[at] as number)
    if (difference !== 0) return difference
  }
  return 0
}

const isBetween = (
  address: Uint8Array,
  { low, high }: Readonly<Record<'low' | 'high', Uint8Array>>,
): boolean => compareBytes(address, low) >= 0 && compareBytes(address, high) <= 0

const bytesOfRange = (range: AddressRange) => ({
  low: bytesOfWords(range, 'low'),
  high: bytesOfWords(range, 'high'),
})

function bytesOfWords(range: AddressRange, end: 'low' | 'high'): Uint8Array {
  const words = range.version === 4 ? range[end].slice(3) : range[end]
  const view = new DataView(new ArrayBuffer(words.length * 4))
  for (const [at, word] of words.entries()) view.setUint32(at * 4, word)
  return new Uint8Array(view.buffer)
}

/** While few are blocked each has its walk. */
export function blockedWalks(tools: TermTools): Pick<Part, 'walks'> {
  if (tools.blocked.length > MAX_BLOCKED_WALKS) return {}
  return { walks: tools.blocked.flatMap((range) => addressPart('peer', range, tools).walks ?? []) }
}

/** Flows whose peer a block names. */
export const blockedLeads = ({ state, blocked }: TermTools): Lead[] =>
  SIDES.peer.map(([column, directions]) => ({
    column,
    fits: (address) => state.blocked.has(address),
    directions: directions.split(', ').map(Number),
    ...(blocked.length <= MAX_BLOCKED_KEYS && {
      keys: blocked.flatMap((range) => rangeKeys(column, bytesOfRange(range), [column === 'source'])),
    }),
  }))
