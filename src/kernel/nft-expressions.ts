import { eachAttribute, type NetlinkWriter } from './netlink.ts'
import {
  COUNTER,
  DATA_VALUE,
  DATA_VERDICT,
  EXPRESSION,
  LIST_ITEM,
  uint32Bytes,
  VERDICT_CODE,
} from './nft-wire.ts'

/** Numbers of linux/netfilter/nf_tables.h. */
export const META = { outputLink: 5, family: 15, protocol: 16 } as const
export const PAYLOAD = { network: 1, transport: 2 } as const
export const COMPARE = { equal: 0, different: 1 } as const
export const VERDICT = { drop: 0, accept: 1 } as const
const REGISTER_VERDICT = 0
const DYNSET_UPDATE = 1
const LIMIT_OVER = 1

/** Of 16 bytes each. */
export const REGISTER = { first: 1, second: 2 } as const
/** The second word of the first register (NFT_REG32_01): where the second of two IPv4 addresses goes. */
export const SECOND_WORD = 9

/** A span of a header. */
export interface HeaderField {
  readonly base: number
  readonly offset: number
  readonly bytes: number
}

/** Appends expressions of a rule, in the order in which the kernel runs them. Each works on register 1 unless told. */
export class RuleExpressions {
  readonly #writer: NetlinkWriter

  constructor(writer: NetlinkWriter) {
    this.#writer = writer
  }

  meta(key: number): this {
    return this.#add('meta', (writer) => {
      writer.uint32BigEndian(2, key).uint32BigEndian(1, REGISTER.first)
    })
  }

  /** Goes on with the rule only if it is so. */
  compare(how: number, value: Uint8Array): this {
    return this.#add('cmp', (writer) => {
      writer.uint32BigEndian(1, REGISTER.first).uint32BigEndian(2, how)
      const data = writer.nest(3)
      writer.bytes(DATA_VALUE, value).close(data)
    })
  }

  payload({ base, offset, bytes }: HeaderField, register: number = REGISTER.first): this {
    return this.#add('payload', (writer) => {
      writer.uint32BigEndian(1, register).uint32BigEndian(2, base)
      writer.uint32BigEndian(3, offset).uint32BigEndian(4, bytes)
    })
  }

  /** Keeps the bits of one byte that the mask has. */
  mask(bits: number): this {
    return this.#add('bitwise', (writer) => {
      writer.uint32BigEndian(1, REGISTER.first).uint32BigEndian(2, REGISTER.first).uint32BigEndian(3, 1)
      for (const [attribute, value] of [
        [4, bits],
        [5, 0],
      ] as const) {
        const data = writer.nest(attribute)
        writer.bytes(DATA_VALUE, Uint8Array.of(value)).close(data)
      }
    })
  }

  lookUp(set: string): this {
    return this.#add('lookup', (writer) => {
      writer.text(1, set).uint32BigEndian(2, REGISTER.first)
    })
  }

  /** Goes on with the rule only beyond the limit of the key in register 1: each key of the set has its own. */
  beyondLimit(
    set: string,
    { perSecond, burst }: { readonly perSecond: number; readonly burst: number },
  ): this {
    return this.#add('dynset', (writer) => {
      writer.text(1, set).uint32BigEndian(3, DYNSET_UPDATE).uint32BigEndian(4, REGISTER.first)
      const expression = writer.nest(7)
      writer.text(EXPRESSION.name, 'limit')
      const limit = writer.nest(EXPRESSION.data)
      writer.uint64BigEndian(1, BigInt(perSecond)).uint64BigEndian(2, 1n)
      writer.uint32BigEndian(3, burst).uint32BigEndian(4, 0).uint32BigEndian(5, LIMIT_OVER)
      writer.close(limit).close(expression)
    })
  }

  counter(): this {
    return this.#add('counter', (writer) => {
      writer.uint64BigEndian(1, 0n).uint64BigEndian(2, 0n)
    })
  }

  verdict(code: number): this {
    return this.#add('immediate', (writer) => {
      writer.uint32BigEndian(1, REGISTER_VERDICT)
      const data = writer.nest(2)
      const verdict = writer.nest(DATA_VERDICT)
      writer.bytes(VERDICT_CODE, uint32Bytes(code)).close(verdict).close(data)
    })
  }

  #add(name: string, writeFields: (writer: NetlinkWriter) => void): this {
    const item = this.#writer.nest(LIST_ITEM)
    this.#writer.text(EXPRESSION.name, name)
    const fields = this.#writer.nest(EXPRESSION.data)
    writeFields(this.#writer)
    this.#writer.close(fields).close(item)
    return this
  }
}

/** Packets that the counters among the expressions of a rule counted. */
export function countedPackets(view: DataView, start: number, end: number): number {
  let packets = 0
  eachAttribute(view, start, end, (_item, itemStart, itemEnd) => {
    let name = ''
    eachAttribute(view, itemStart, itemEnd, (type, from, to) => {
      if (type === EXPRESSION.name) name = textOf(view, from, to)
      else if (type === EXPRESSION.data && name === 'counter') packets += packetsOf(view, from, to)
    })
  })
  return packets
}

function packetsOf(view: DataView, start: number, end: number): number {
  let packets = 0
  eachAttribute(view, start, end, (field, from, to) => {
    if (field === COUNTER.packets && to - from === 8) packets = Number(view.getBigUint64(from))
  })
  return packets
}

/** Without its closing zero. */
const textOf = (view: DataView, from: number, to: number): string =>
  Buffer.from(view.buffer, view.byteOffset + from, to - from - 1).toString()
