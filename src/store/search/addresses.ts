import type { AddressRange } from '#contract/search/address-range.ts'
import type { Lead } from './lead.ts'
import type { Part, TermTools } from './part.ts'

const MAX_BLOCKED_WALKS = 32

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
  const low = bind.value(bytesOfWords(range, 'low'))
  const high = bind.value(bytesOfWords(range, 'high'))
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
      fits: (address) => address.length === length && isBetween(address, range),
      ...(key === 'peer' && { directions: directions.split(', ').map(Number) }),
    }),
  )
  return { condition: `(${walks.map(({ condition }) => `(${condition})`).join(' OR ')})`, walks, leads }
}

function isBetween(address: Uint8Array, range: AddressRange): boolean {
  const bytes = Buffer.from(address.buffer, address.byteOffset, address.length)
  return bytes.compare(bytesOfWords(range, 'low')) >= 0 && bytes.compare(bytesOfWords(range, 'high')) <= 0
}

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
export const blockedLeads = ({ state }: TermTools): Lead[] =>
  SIDES.peer.map(([column, directions]) => ({
    column,
    fits: (address) => state.blocked.has(address),
    directions: directions.split(', ').map(Number),
  }))
