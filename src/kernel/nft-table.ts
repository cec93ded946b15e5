import { type NetlinkWriter, REQUEST } from './netlink.ts'
import {
  CHAIN,
  DATA_VALUE,
  DATA_VERDICT,
  EXPRESSION,
  HOOK,
  INET_HEADER,
  LIST_ITEM,
  NFT_MESSAGE,
  RULE,
  SET,
  SET_FLAG,
  TABLE,
  uint32Bytes,
  VERDICT_CODE,
} from './nft-wire.ts'

/** Data types by nft's own numbers, for those who list the table with `nft` (libnftables datatype.h). */
const NFT_TYPE_IPV4 = 7
const NFT_TYPE_IPV6 = 8
const NFT_TYPE_PORT = 13
const NFT_TYPE_BITS = 6

const REGISTER_VERDICT = 0
const REGISTER_1 = 1
const META_NFPROTO = 15
const COMPARE_EQUAL = 0
const PAYLOAD_NETWORK_HEADER = 1
const VERDICT_DROP = 0
const VERDICT_ACCEPT = 1
const HOOK_NUMBER = { input: 1, forward: 2, output: 3 } as const

/** Where a header has its addresses (RFC 791 §3.1, RFC 8200 §3), and what the family is called in NFPROTO. */
const FAMILY = {
  4: { protocol: 2, bytes: 4, type: NFT_TYPE_IPV4, source: 12, target: 16 },
  6: { protocol: 10, bytes: 16, type: NFT_TYPE_IPV6, source: 8, target: 24 },
} as const

export type Family = keyof typeof FAMILY

/**
 * `address`: single addresses, hashed. `interval`: ranges that share no address. `network`: an address with a
 * prefix length, hashed; the bytes are those of the address, two of length, two of padding.
 */
export interface SetLayout {
  readonly name: string
  readonly family: Family
  readonly holds: 'address' | 'interval' | 'network'
}

/** Drops what has its source or its target in one of the sets. */
export interface ChainLayout {
  readonly hook: keyof typeof HOOK_NUMBER
  readonly priority: number
  readonly drops: readonly { readonly by: 'source' | 'target'; readonly set: string }[]
}

/** A table of family inet: sets of addresses, and base chains that drop by them. */
export interface TableLayout {
  readonly table: string
  readonly sets: readonly SetLayout[]
  readonly chains: readonly ChainLayout[]
}

/**
 * Appends the messages that put the table in place, whatever was there under that name: all within one transaction,
 * so no packet sees less than the old or the new one. `next` gives sequence numbers.
 */
export function writeTable(writer: NetlinkWriter, layout: TableLayout, next: () => number): void {
  writeNewTable(writer, layout.table, next())
  writeDeleteTable(writer, layout.table, next())
  writeNewTable(writer, layout.table, next())
  layout.sets.forEach((set, id) => {
    writeSet(writer, { table: layout.table, id: id + 1, sequence: next() }, set)
  })
  for (const chain of layout.chains) {
    writeChain(writer, layout.table, chain, next())
    for (const drop of chain.drops) {
      const set = layout.sets.find((known) => known.name === drop.set)
      if (set === undefined) throw new Error(`the table has no set ${drop.set}`)
      const place = { table: layout.table, chain: chain.hook, sequence: next() }
      writeDropRule(writer, place, { ...set, by: drop.by })
    }
  }
}

export function writeDeleteTable(writer: NetlinkWriter, table: string, sequence: number): void {
  writer.begin(NFT_MESSAGE.deleteTable, REQUEST.request, sequence, INET_HEADER)
  writer.text(TABLE.name, table).end()
}

function writeNewTable(writer: NetlinkWriter, table: string, sequence: number): void {
  writer.begin(NFT_MESSAGE.newTable, REQUEST.request | REQUEST.create, sequence, INET_HEADER)
  writer.text(TABLE.name, table).end()
}

/** Each element gets a counter of its own because the set declares one (Linux 5.7). */
function writeSet(
  writer: NetlinkWriter,
  { table, id, sequence }: { readonly table: string; readonly id: number; readonly sequence: number },
  set: SetLayout,
): void {
  const { bytes, type } = FAMILY[set.family]
  const isNetwork = set.holds === 'network'
  writer.begin(NFT_MESSAGE.newSet, REQUEST.request | REQUEST.create, sequence, INET_HEADER)
  writer.text(SET.table, table).text(SET.name, set.name).uint32BigEndian(SET.id, id)
  writer.uint32BigEndian(SET.flags, SET_FLAG.timeout | (set.holds === 'interval' ? SET_FLAG.interval : 0))
  writer.uint32BigEndian(SET.keyType, isNetwork ? (type << NFT_TYPE_BITS) | NFT_TYPE_PORT : type)
  writer.uint32BigEndian(SET.keyBytes, isNetwork ? bytes + 4 : bytes)
  if (!isNetwork) {
    const expression = writer.nest(SET.expression)
    writer.text(EXPRESSION.name, 'counter').close(expression)
  }
  writer.end()
}

function writeChain(writer: NetlinkWriter, table: string, chain: ChainLayout, sequence: number): void {
  writer.begin(NFT_MESSAGE.newChain, REQUEST.request | REQUEST.create, sequence, INET_HEADER)
  writer.text(CHAIN.table, table).text(CHAIN.name, chain.hook)
  const hook = writer.nest(CHAIN.hook)
  writer.uint32BigEndian(HOOK.number, HOOK_NUMBER[chain.hook])
  writer.uint32BigEndian(HOOK.priority, chain.priority).close(hook)
  writer.uint32BigEndian(CHAIN.policy, VERDICT_ACCEPT).text(CHAIN.type, 'filter').end()
}

/** `ip saddr @set drop`, as nft would write it: protocol, address, look-up, verdict. */
function writeDropRule(
  writer: NetlinkWriter,
  place: { readonly table: string; readonly chain: string; readonly sequence: number },
  drop: SetLayout & { readonly by: 'source' | 'target' },
): void {
  const family = FAMILY[drop.family]
  const flags = REQUEST.request | REQUEST.create | REQUEST.append
  writer.begin(NFT_MESSAGE.newRule, flags, place.sequence, INET_HEADER)
  writer.text(RULE.table, place.table).text(RULE.chain, place.chain)
  const list = writer.nest(RULE.expressions)
  writeExpression(writer, 'meta', () => {
    writer.uint32BigEndian(2, META_NFPROTO).uint32BigEndian(1, REGISTER_1)
  })
  writeExpression(writer, 'cmp', () => {
    writer.uint32BigEndian(1, REGISTER_1).uint32BigEndian(2, COMPARE_EQUAL)
    const data = writer.nest(3)
    writer.bytes(DATA_VALUE, Uint8Array.of(family.protocol)).close(data)
  })
  writeExpression(writer, 'payload', () => {
    writer.uint32BigEndian(1, REGISTER_1).uint32BigEndian(2, PAYLOAD_NETWORK_HEADER)
    writer.uint32BigEndian(3, family[drop.by]).uint32BigEndian(4, family.bytes)
  })
  writeExpression(writer, 'lookup', () => {
    writer.text(1, drop.name).uint32BigEndian(2, REGISTER_1)
  })
  writeExpression(writer, 'immediate', () => {
    writer.uint32BigEndian(1, REGISTER_VERDICT)
    const data = writer.nest(2)
    const verdict = writer.nest(DATA_VERDICT)
    writer.bytes(VERDICT_CODE, uint32Bytes(VERDICT_DROP)).close(verdict).close(data)
  })
  writer.close(list).end()
}

function writeExpression(writer: NetlinkWriter, name: string, writeFields: () => void): void {
  const item = writer.nest(LIST_ITEM)
  writer.text(EXPRESSION.name, name)
  const fields = writer.nest(EXPRESSION.data)
  writeFields()
  writer.close(fields).close(item)
}
