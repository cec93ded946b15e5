import { type NetlinkWriter, REQUEST } from './netlink.ts'
import { comment, type NftElement, writeNewElements } from './nft-elements.ts'
import { OBJECT_TYPE, type RateLimit, RuleExpressions, VERDICT, writeRate } from './nft-expressions.ts'
import {
  CHAIN,
  COUNTER,
  DATA_TYPE_VERDICT,
  HOOK,
  INET_HEADER,
  NFT_MESSAGE,
  OBJECT,
  RULE,
  SET,
  SET_FLAG,
  TABLE,
} from './nft-wire.ts'

/** Nested lengths are 16 bits: an interval that leads to a chain takes at most 104 bytes, notes are short. */
const ELEMENTS_PER_MESSAGE = 600
const SET_SIZE = 1

/** A set, of intervals unless it says otherwise. `type` is nft's own number of a data type. */
export interface KeySet {
  readonly name: string
  readonly type: number
  readonly keyBytes: number
  /** Of single keys, hashed: so many at most. */
  readonly isHashed?: { readonly size: number }
  /** Of single keys that go by themselves, each with its time. */
  readonly isTimed?: boolean
  /** A map: each key or interval leads to a chain. */
  readonly isToChains?: boolean
  /** Packets fill it by themselves. */
  readonly isMeter?: { readonly size: number; readonly lastsMs?: number }
}

const flagsOf = ({ isHashed, isTimed, isToChains, isMeter }: KeySet): number => {
  if (isMeter) return SET_FLAG.dynamic | (isMeter.lastsMs === undefined ? 0 : SET_FLAG.timeout)
  if (isTimed) return SET_FLAG.timeout
  return (isHashed ? 0 : SET_FLAG.interval) | (isToChains ? SET_FLAG.map : 0)
}

/** Appends messages about one table of family inet, one transaction long. */
export class TableScript {
  readonly #writer: NetlinkWriter
  readonly #table: string
  readonly #next: () => number
  #sets = 0

  constructor(writer: NetlinkWriter, table: string, next: () => number) {
    this.#writer = writer
    this.#table = table
    this.#next = next
  }

  /** An empty table, whatever was there under its name. */
  begin(): this {
    return this.#newTable().remove().#newTable()
  }

  /** The table and all in it is gone afterwards, also when it was not there before. */
  clear(): this {
    return this.#newTable().remove()
  }

  remove(): this {
    this.#writer.begin(NFT_MESSAGE.deleteTable, REQUEST.request, this.#next(), INET_HEADER)
    this.#writer.text(TABLE.name, this.#table).end()
    return this
  }

  set(set: KeySet): this {
    const { name, type, keyBytes, isMeter, isHashed } = set
    const writer = this.#begin(NFT_MESSAGE.newSet, REQUEST.create)
    writer
      .text(SET.table, this.#table)
      .text(SET.name, name)
      .uint32BigEndian(SET.id, ++this.#sets)
    writer.uint32BigEndian(SET.flags, flagsOf(set))
    writer.uint32BigEndian(SET.keyType, type).uint32BigEndian(SET.keyBytes, keyBytes)
    if (set.isToChains) writer.uint32BigEndian(SET.dataType, DATA_TYPE_VERDICT)
    if (isMeter?.lastsMs !== undefined) writer.uint64BigEndian(SET.timeout, BigInt(isMeter.lastsMs))
    const size = isMeter?.size ?? isHashed?.size
    if (size !== undefined) {
      const description = writer.nest(SET.description)
      writer.uint32BigEndian(SET_SIZE, size).close(description)
    }
    writer.end()
    return this
  }

  /** Fills a set. */
  elements(set: string, elements: Iterable<NftElement>): this {
    let some: NftElement[] = []
    const flush = (): void => {
      if (some.length === 0) return
      writeNewElements(this.#writer, { table: this.#table, set, sequence: this.#next() }, some)
      some = []
    }
    for (const element of elements) {
      if (some.push(element) === ELEMENTS_PER_MESSAGE) flush()
    }
    flush()
    return this
  }

  /** A limit that several rules share. */
  sharedLimit(name: string, rate: RateLimit): this {
    return this.#object(name, 'limit', (writer) => writeRate(writer, rate, 0))
  }

  /** A counter that several rules share. */
  sharedCounter(name: string): this {
    return this.#object(name, 'counter', (writer) => {
      writer.uint64BigEndian(COUNTER.bytes, 0n).uint64BigEndian(COUNTER.packets, 0n)
    })
  }

  /** A chain that others go to; with `hook` one that packets come to by themselves. */
  chain(name: string, hook?: { readonly number: number; readonly priority: number }): this {
    const writer = this.#begin(NFT_MESSAGE.newChain, REQUEST.create)
    writer.text(CHAIN.table, this.#table).text(CHAIN.name, name)
    if (hook) {
      const nested = writer.nest(CHAIN.hook)
      writer
        .uint32BigEndian(HOOK.number, hook.number)
        .uint32BigEndian(HOOK.priority, hook.priority)
        .close(nested)
      writer.uint32BigEndian(CHAIN.policy, VERDICT.accept).text(CHAIN.type, 'filter')
    }
    writer.end()
    return this
  }

  /** Appends a rule to a chain; `note` is its comment. */
  rule(chain: string, note: string, say: (rule: RuleExpressions) => void): this {
    const writer = this.#begin(NFT_MESSAGE.newRule, REQUEST.create | REQUEST.append)
    writer.text(RULE.table, this.#table).text(RULE.chain, chain)
    const list = writer.nest(RULE.expressions)
    say(new RuleExpressions(writer))
    writer.close(list)
    if (note !== '') writer.bytes(RULE.userdata, comment(note))
    writer.end()
    return this
  }

  #object(name: string, kind: keyof typeof OBJECT_TYPE, write: (writer: NetlinkWriter) => void): this {
    const writer = this.#begin(NFT_MESSAGE.newObject, REQUEST.create)
    writer.text(OBJECT.table, this.#table).text(OBJECT.name, name)
    writer.uint32BigEndian(OBJECT.type, OBJECT_TYPE[kind])
    const data = writer.nest(OBJECT.data)
    write(writer)
    writer.close(data).end()
    return this
  }

  #newTable(): this {
    this.#begin(NFT_MESSAGE.newTable, REQUEST.create).text(TABLE.name, this.#table).end()
    return this
  }

  #begin(type: number, flags: number): NetlinkWriter {
    return this.#writer.begin(type, REQUEST.request | flags, this.#next(), INET_HEADER)
  }
}
