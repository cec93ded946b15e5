import { type NetlinkWriter, REQUEST } from './netlink.ts'
import { INET_HEADER, NFT_MESSAGE, RULE, SET, SET_FLAG, TABLE } from './nft-wire.ts'

const SET_SIZE = 1

/** `values`: hashed. `intervals`: what shares no address. `noted`: hashed, and packets enter by themselves, at most `size`. */
export interface PlainSet {
  readonly name: string
  /** nft's own number of the data type (libnftables datatype.h). */
  readonly type: number
  readonly keyBytes: number
  readonly holds: 'values' | 'intervals' | 'noted'
  /** How long an element stays that does not say so itself; absent: until it is taken out. */
  readonly lastsMs?: number
  readonly size?: number
}

const FLAGS = { values: 0, intervals: SET_FLAG.interval, noted: SET_FLAG.dynamic } as const

/** Messages about one table of family inet that change it piece by piece. `next` gives sequence numbers. */
export class TableChange {
  readonly #writer: NetlinkWriter
  readonly #table: string
  readonly #next: () => number
  #sets = 0

  constructor(writer: NetlinkWriter, table: string, next: () => number) {
    this.#writer = writer
    this.#table = table
    this.#next = next
  }

  /** The table is there afterwards; what it holds stays. */
  ensureTable(): this {
    this.#begin(NFT_MESSAGE.newTable, REQUEST.create).text(TABLE.name, this.#table).end()
    return this
  }

  set({ name, type, keyBytes, holds, lastsMs, size }: PlainSet): this {
    const writer = this.#begin(NFT_MESSAGE.newSet, REQUEST.create)
    writer
      .text(SET.table, this.#table)
      .text(SET.name, name)
      .uint32BigEndian(SET.id, ++this.#sets)
    writer.uint32BigEndian(SET.flags, FLAGS[holds] | (lastsMs === undefined ? 0 : SET_FLAG.timeout))
    writer.uint32BigEndian(SET.keyType, type).uint32BigEndian(SET.keyBytes, keyBytes)
    if (lastsMs !== undefined) writer.uint64BigEndian(SET.timeout, BigInt(lastsMs))
    if (size !== undefined) {
      const description = writer.nest(SET.description)
      writer.uint32BigEndian(SET_SIZE, size).close(description)
    }
    writer.end()
    return this
  }

  /** A refusal (EBUSY) while a rule reads it. */
  removeSet(name: string): this {
    this.#begin(NFT_MESSAGE.deleteSet, 0).text(SET.table, this.#table).text(SET.name, name).end()
    return this
  }

  /** Takes out all rules of a chain. */
  emptyChain(name: string): this {
    this.#begin(NFT_MESSAGE.deleteRule, 0).text(RULE.table, this.#table).text(RULE.chain, name).end()
    return this
  }

  #begin(type: number, flags: number): NetlinkWriter {
    return this.#writer.begin(type, REQUEST.request | flags, this.#next(), INET_HEADER)
  }
}
