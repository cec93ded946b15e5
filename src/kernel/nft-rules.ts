import { type NetlinkWriter, REQUEST } from './netlink.ts'
import { comment, type NftElement, writeNewElements } from './nft-elements.ts'
import { RuleExpressions, VERDICT } from './nft-expressions.ts'
import { CHAIN, HOOK, INET_HEADER, NFT_MESSAGE, RULE, SET, SET_FLAG, TABLE } from './nft-wire.ts'

/** Nested lengths are 16 bits: an interval without a note takes at most 64 bytes. */
const INTERVALS_PER_MESSAGE = 900
const SET_SIZE = 1

/** An interval set, or with `isMeter` one that packets fill by themselves. `type` is nft's own number of a data type. */
export interface KeySet {
  readonly name: string
  readonly type: number
  readonly keyBytes: number
  readonly isMeter?: { readonly size: number; readonly lastsMs?: number }
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

  set({ name, type, keyBytes, isMeter }: KeySet): this {
    const writer = this.#begin(NFT_MESSAGE.newSet, REQUEST.create)
    writer
      .text(SET.table, this.#table)
      .text(SET.name, name)
      .uint32BigEndian(SET.id, ++this.#sets)
    const lasting = isMeter?.lastsMs === undefined ? 0 : SET_FLAG.timeout
    writer.uint32BigEndian(SET.flags, isMeter ? SET_FLAG.dynamic | lasting : SET_FLAG.interval)
    writer.uint32BigEndian(SET.keyType, type).uint32BigEndian(SET.keyBytes, keyBytes)
    if (isMeter) {
      if (isMeter.lastsMs !== undefined) writer.uint64BigEndian(SET.timeout, BigInt(isMeter.lastsMs))
      const description = writer.nest(SET.description)
      writer.uint32BigEndian(SET_SIZE, isMeter.size).close(description)
    }
    writer.end()
    return this
  }

  /** Fills an interval set. */
  intervals(set: string, elements: Iterable<Pick<NftElement, 'key' | 'end'>>): this {
    let some: Pick<NftElement, 'key' | 'end'>[] = []
    const flush = (): void => {
      if (some.length === 0) return
      writeNewElements(this.#writer, { table: this.#table, set, sequence: this.#next() }, some)
      some = []
    }
    for (const element of elements) {
      if (some.push(element) === INTERVALS_PER_MESSAGE) flush()
    }
    flush()
    return this
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

  #newTable(): this {
    this.#begin(NFT_MESSAGE.newTable, REQUEST.create).text(TABLE.name, this.#table).end()
    return this
  }

  #begin(type: number, flags: number): NetlinkWriter {
    return this.#writer.begin(type, REQUEST.request | flags, this.#next(), INET_HEADER)
  }
}
