import { type NetlinkWriter, REQUEST } from './netlink.ts'
import { COMPARE, META, PAYLOAD, REGISTER, RuleExpressions, SECOND_WORD, VERDICT } from './nft-expressions.ts'
import { TableScript } from './nft-rules.ts'
import { type HandedOver, writeTurnedAway } from './nft-turned-away.ts'
import {
  CHAIN,
  DATA_TYPE,
  EXPRESSION,
  HOOK,
  hostBytes,
  INET_HEADER,
  joinedType,
  NFT_MESSAGE,
  RULE,
  SET,
  SET_FLAG,
  TABLE,
} from './nft-wire.ts'

const HOOK_NUMBER = { input: 1, forward: 2, output: 3 } as const

/** Where a header has its addresses (RFC 791 §3.1, RFC 8200 §3), and what the family is called in NFPROTO. */
const FAMILY = {
  4: { protocol: 2, bytes: 4, type: DATA_TYPE.address4, source: 12, target: 16, second: SECOND_WORD },
  6: { protocol: 10, bytes: 16, type: DATA_TYPE.address6, source: 8, target: 24, second: REGISTER.second },
} as const

const PROTOCOL_TCP = 6
/** Where packets go that a set drops, when some of them are handed over. */
const TURNED_AWAY = 'turned_away'
/** LOOPBACK_IFINDEX (net/loopback.h): the same in each network namespace. */
const LOOPBACK_INDEX = 1
/** RFC 9293 §3.1. */
const TCP_SEQUENCE = { base: PAYLOAD.transport, offset: 4, bytes: 4 }
const TCP_FLAGS = { base: PAYLOAD.transport, offset: 13, bytes: 1 }
const FLAG = { fin: 1, syn: 2, rst: 4, ack: 16 } as const

/** Who is refused is forgotten after so long; the set is bounded, and whoever finds no room is not limited. */
const PAIR_LASTS_MS = 10_000
const MAX_PAIRS = 65_535

export type Family = keyof typeof FAMILY

/**
 * `address`: single addresses, hashed. `interval`: ranges that share no address. `network`: an address with a
 * prefix length, hashed; the bytes are those of the address, two of length, two of padding. `pair`: source and target,
 * which packets enter by themselves.
 */
export interface SetLayout {
  readonly name: string
  readonly family: Family
  readonly holds: 'address' | 'interval' | 'network' | 'pair'
  /** Instead of a counter each element has a limit: a look-up finds it only for packets beyond it. */
  readonly pace?: Pace
}

/** So many packets pass at once, then so many a second. */
export interface Pace {
  readonly perSecond: number
  readonly burst: number
}

/** How many refusals of one host to another pass: `burst` at once, then `perSecond`. The set is one of pairs. */
export interface BrakeLayout {
  readonly set: string
  readonly perSecond: number
  readonly burst: number
}

/** Drops what has its source or its target in one of the sets, and refusals beyond what the brakes let pass. */
export interface ChainLayout {
  readonly hook: keyof typeof HOOK_NUMBER
  readonly priority: number
  readonly drops: readonly { readonly by: 'source' | 'target'; readonly set: string }[]
  readonly brakes?: readonly BrakeLayout[]
}

/** A table of family inet: sets of addresses, and base chains that drop by them. */
export interface TableLayout {
  readonly table: string
  readonly sets: readonly SetLayout[]
  readonly chains: readonly ChainLayout[]
  /** Of what the sets drop; what the brakes hold back is only counted. */
  readonly handed?: HandedOver
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
  if (layout.handed) {
    const script = new TableScript(writer, layout.table, next).chain(TURNED_AWAY)
    writeTurnedAway(script, TURNED_AWAY, layout.handed)
  }
  for (const chain of layout.chains) {
    writeChain(writer, layout.table, chain, next())
    const place = { table: layout.table, chain: chain.hook }
    for (const drop of chain.drops) {
      const set = { ...setNamed(layout, drop.set), by: drop.by, isHanded: layout.handed !== undefined }
      writeDropRule(writer, { ...place, sequence: next() }, set)
    }
    for (const brake of chain.brakes ?? []) {
      const { family } = setNamed(layout, brake.set)
      writeBrakeRule(writer, { ...place, sequence: next() }, { ...brake, family })
    }
  }
}

function setNamed(layout: TableLayout, name: string): SetLayout {
  const set = layout.sets.find((known) => known.name === name)
  if (set === undefined) throw new Error(`the table has no set ${name}`)
  return set
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
  const { type, bytes } = keyOf(set)
  writer.begin(NFT_MESSAGE.newSet, REQUEST.request | REQUEST.create, sequence, INET_HEADER)
  writer.text(SET.table, table).text(SET.name, set.name).uint32BigEndian(SET.id, id)
  writer.uint32BigEndian(SET.flags, SET_FLAG.timeout | FLAGS_OF[set.holds])
  writer.uint32BigEndian(SET.keyType, type).uint32BigEndian(SET.keyBytes, bytes)
  if (set.holds === 'pair') {
    writer.uint64BigEndian(SET.timeout, BigInt(PAIR_LASTS_MS))
    const description = writer.nest(SET.description)
    writer.uint32BigEndian(SET_SIZE, MAX_PAIRS).close(description)
  } else if (set.holds !== 'network') {
    const expression = writer.nest(SET.expression)
    if (set.pace) writePace(writer, set.pace)
    else writer.text(EXPRESSION.name, 'counter')
    writer.close(expression)
  }
  writer.end()
}

/** As nft_lookup runs it, a limit that is not exceeded ends the rule (nft_set_elem_update_expr, Linux 5.7). */
function writePace(writer: NetlinkWriter, { perSecond, burst }: Pace): void {
  writer.text(EXPRESSION.name, 'limit')
  const limit = writer.nest(EXPRESSION.data)
  writer.uint64BigEndian(1, BigInt(perSecond)).uint64BigEndian(2, 1n)
  writer.uint32BigEndian(3, burst).uint32BigEndian(4, 0).uint32BigEndian(5, LIMIT_OVER)
  writer.close(limit)
}

/** NFT_LIMIT_F_INV (linux/netfilter/nf_tables.h). */
const LIMIT_OVER = 1

const FLAGS_OF = { address: 0, interval: SET_FLAG.interval, network: 0, pair: SET_FLAG.dynamic } as const
const SET_SIZE = 1

/** nft writes the types of a key of two parts one behind the other. */
function keyOf({ family, holds }: SetLayout): { readonly type: number; readonly bytes: number } {
  const { type, bytes } = FAMILY[family]
  if (holds === 'network') return { type: joinedType(type, DATA_TYPE.port), bytes: bytes + 4 }
  if (holds === 'pair') return { type: joinedType(type, type), bytes: bytes * 2 }
  return { type, bytes }
}

function writeChain(writer: NetlinkWriter, table: string, chain: ChainLayout, sequence: number): void {
  writer.begin(NFT_MESSAGE.newChain, REQUEST.request | REQUEST.create, sequence, INET_HEADER)
  writer.text(CHAIN.table, table).text(CHAIN.name, chain.hook)
  const hook = writer.nest(CHAIN.hook)
  writer.uint32BigEndian(HOOK.number, HOOK_NUMBER[chain.hook])
  writer.uint32BigEndian(HOOK.priority, chain.priority).close(hook)
  writer.uint32BigEndian(CHAIN.policy, VERDICT.accept).text(CHAIN.type, 'filter').end()
}

interface RulePlace {
  readonly table: string
  readonly chain: string
  readonly sequence: number
}

/** `ip saddr @set drop`, or `goto`, as nft would write it: protocol, address, look-up, verdict. */
function writeDropRule(
  writer: NetlinkWriter,
  place: RulePlace,
  drop: SetLayout & { readonly by: 'source' | 'target'; readonly isHanded: boolean },
): void {
  const family = FAMILY[drop.family]
  writeRule(writer, place, (rule) => {
    rule
      .meta(META.family)
      .compare(COMPARE.equal, Uint8Array.of(family.protocol))
      .payload({ base: PAYLOAD.network, offset: family[drop.by], bytes: family.bytes })
      .lookUp(drop.name)
    if (drop.isHanded) rule.goTo(TURNED_AWAY)
    else rule.verdict(VERDICT.drop)
  })
}

/**
 * `oif != lo tcp flags & (fin|syn|rst|ack) == rst|ack tcp sequence 0 update @set { ip saddr . ip daddr limit rate over
 * R/second burst B packets } counter drop`. RST with ACK and sequence 0 is the answer to what bears no ACK and meets a
 * closed port (RFC 9293 §3.10.7.1): SYN, FIN, NULL and Xmas probes. An aborted connection has another sequence.
 */
function writeBrakeRule(
  writer: NetlinkWriter,
  place: RulePlace,
  brake: BrakeLayout & { readonly family: Family },
): void {
  const { protocol, bytes, source, target, second } = FAMILY[brake.family]
  const loopback = hostBytes(LOOPBACK_INDEX)
  writeRule(writer, place, (rule) =>
    rule
      .meta(META.outputLink)
      .compare(COMPARE.different, loopback)
      .meta(META.protocol)
      .compare(COMPARE.equal, Uint8Array.of(PROTOCOL_TCP))
      .payload(TCP_FLAGS)
      .mask(FLAG.fin | FLAG.syn | FLAG.rst | FLAG.ack)
      .compare(COMPARE.equal, Uint8Array.of(FLAG.rst | FLAG.ack))
      .payload(TCP_SEQUENCE)
      .compare(COMPARE.equal, new Uint8Array(4))
      .meta(META.family)
      .compare(COMPARE.equal, Uint8Array.of(protocol))
      .payload({ base: PAYLOAD.network, offset: source, bytes })
      .payload({ base: PAYLOAD.network, offset: target, bytes }, second)
      .beyondLimit(brake.set, brake)
      .counter()
      .verdict(VERDICT.drop),
  )
}

function writeRule(
  writer: NetlinkWriter,
  { table, chain, sequence }: RulePlace,
  say: (rule: RuleExpressions) => unknown,
): void {
  const flags = REQUEST.request | REQUEST.create | REQUEST.append
  writer.begin(NFT_MESSAGE.newRule, flags, sequence, INET_HEADER)
  writer.text(RULE.table, table).text(RULE.chain, chain)
  const list = writer.nest(RULE.expressions)
  say(new RuleExpressions(writer))
  writer.close(list).end()
}
