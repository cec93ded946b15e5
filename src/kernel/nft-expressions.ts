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
export const META = {
  mark: 3,
  inputLink: 4,
  outputLink: 5,
  inputName: 6,
  outputName: 7,
  user: 10,
  family: 15,
  protocol: 16,
  time: 30,
} as const
export const PAYLOAD = { network: 1, transport: 2 } as const
export const COMPARE = { equal: 0, different: 1 } as const
export const VERDICT = { drop: 0, accept: 1, jump: -3, goto: -4, return: -5 } as const
/** With RST, or as ICMP in the family of the packet (NFT_REJECT_ICMPX_PORT_UNREACH). */
export const REJECT = { reset: { type: 1, code: 0 }, unreachable: { type: 2, code: 1 } } as const
const CONNECTION_STATE = 0
const SOCKET_MARK = 1
/** Asked of any socket: that of a half-made handshake too, which has no mark (net/netfilter/nft_socket.c). */
const SOCKET_TRANSPARENT = 0
/**
 * The proxy promises nothing but a segment size (NF_SYNPROXY_OPT_MSS). With time stamps, which window scale and selective
 * acknowledgement need, its ACK to the server is thrown away by Linux 6.15 and newer (TCPTSEcrRejected): servers that
 * speak first, as SSH does, then lose a second.
 */
const SYNPROXY_SEGMENT_SIZE = 0x01
/** NFT_FIB_RESULT_ADDRTYPE, NFTA_FIB_F_DADDR (linux/netfilter/nf_tables.h), RTN_LOCAL (linux/rtnetlink.h). */
const FIB_ADDRESS_TYPE = 3
const FIB_TARGET = 2
const LOCAL_ADDRESS = 2
const LOOKUP_INVERTED = 1
const DYNSET_ADD = 0
const REGISTER_VERDICT = 0
const DYNSET_UPDATE = 1
const LIMIT_OVER = 1
const VERDICT_CHAIN = 2

/** Of 16 bytes each. */
export const REGISTER = { first: 1, second: 2 } as const
/** The second word of the first register (NFT_REG32_01): where the second of two IPv4 addresses goes. */
export const SECOND_WORD = 9

/** `burst` at once, then so many in so many seconds. */
export interface RateLimit {
  readonly packets: number
  readonly perSeconds: number
  readonly burst: number
}

/** NFT_OBJECT_* of linux/netfilter/nf_tables.h. */
export const OBJECT_TYPE = { counter: 1, limit: 4 } as const

export interface SharedObject {
  readonly kind: keyof typeof OBJECT_TYPE
  readonly name: string
}

export interface PacketLog {
  readonly group: number
  readonly prefix: string
  readonly snapBytes: number
}

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

  /** Goes through the chain that the map has for the value, and on here if nothing there decides. */
  goByMap(map: string): this {
    return this.#add('lookup', (writer) => {
      writer.text(1, map).uint32BigEndian(2, REGISTER.first).uint32BigEndian(3, REGISTER_VERDICT)
    })
  }

  /** The state of the connection as bits, in the machine's own byte order. */
  connectionState(): this {
    return this.#add('ct', (writer) => {
      writer.uint32BigEndian(2, CONNECTION_STATE).uint32BigEndian(1, REGISTER.first)
    })
  }

  /** The mark of the socket that the packet is for; a packet without one ends the rule here. */
  socketMark(): this {
    return this.#add('socket', (writer) => {
      writer.uint32BigEndian(1, SOCKET_MARK).uint32BigEndian(2, REGISTER.first)
    })
  }

  /** Goes on only if a socket of this machine takes the packet, of whatever state. */
  socketThere(): this {
    return this.#add('socket', (writer) => {
      writer.uint32BigEndian(1, SOCKET_TRANSPARENT).uint32BigEndian(2, REGISTER.first)
    })
  }

  /** The packet is for an address of this machine (`fib daddr type local`): it is not forwarded. */
  forThisMachine(): this {
    this.#add('fib', (writer) => {
      writer.uint32BigEndian(1, REGISTER.first).uint32BigEndian(2, FIB_ADDRESS_TYPE)
      writer.uint32BigEndian(3, FIB_TARGET)
    })
    return this.compare(COMPARE.equal, new Uint8Array(Uint32Array.of(LOCAL_ADDRESS).buffer))
  }

  /** Connection tracking leaves the packet alone. */
  notTracked(): this {
    return this.#add('notrack', () => {})
  }

  /** Answers the SYN, and the ACK behind it, in place of the server, which hears of it only after the handshake. */
  synProxy(segmentBytes: number): this {
    return this.#add('synproxy', (writer) => {
      writer.bytes(1, Uint8Array.of(segmentBytes >> 8, segmentBytes & 255))
      writer.uint32BigEndian(3, SYNPROXY_SEGMENT_SIZE)
    })
  }

  /** Numbers that the kernel holds in its own byte order become comparable. */
  networkOrder(bytes: number): this {
    return this.#add('byteorder', (writer) => {
      writer.uint32BigEndian(1, REGISTER.first).uint32BigEndian(2, REGISTER.first)
      writer.uint32BigEndian(3, 1).uint32BigEndian(4, bytes).uint32BigEndian(5, bytes)
    })
  }

  /** Keeps the bits that the mask has. */
  maskBytes(mask: Uint8Array): this {
    return this.#add('bitwise', (writer) => {
      writer.uint32BigEndian(1, REGISTER.first).uint32BigEndian(2, REGISTER.first)
      writer.uint32BigEndian(3, mask.length)
      for (const [attribute, value] of [
        [4, mask],
        [5, new Uint8Array(mask.length)],
      ] as const) {
        const data = writer.nest(attribute)
        writer.bytes(DATA_VALUE, value).close(data)
      }
    })
  }

  /** Goes on only if the value is from `first` to `last`; `inverted`: only if it is not. */
  range(first: Uint8Array, last: Uint8Array, inverted: boolean): this {
    return this.#add('range', (writer) => {
      writer.uint32BigEndian(1, REGISTER.first).uint32BigEndian(2, inverted ? 1 : 0)
      for (const [attribute, value] of [
        [3, first],
        [4, last],
      ] as const) {
        const data = writer.nest(attribute)
        writer.bytes(DATA_VALUE, value).close(data)
      }
    })
  }

  lookUpIn(set: string, inverted: boolean): this {
    return this.#add('lookup', (writer) => {
      writer.text(1, set).uint32BigEndian(2, REGISTER.first)
      if (inverted) writer.uint32BigEndian(5, LOOKUP_INVERTED)
    })
  }

  /** Goes on only beyond a rate: of all packets, or with `meter` of those with the key in register 1. */
  beyondRate(rate: RateLimit, meter?: string): this {
    const write = (writer: NetlinkWriter): void => writeRate(writer, rate, LIMIT_OVER)
    return meter === undefined
      ? this.#add('limit', write)
      : this.#metered({ set: meter, operation: DYNSET_UPDATE, name: 'limit' }, write)
  }

  /** Goes on only beyond so many connections, as `beyondRate`. */
  beyondConnections(connections: number, meter?: string): this {
    const write = (writer: NetlinkWriter): void => {
      writer.uint32BigEndian(1, connections).uint32BigEndian(2, 1)
    }
    return meter === undefined
      ? this.#add('connlimit', write)
      : this.#metered({ set: meter, operation: DYNSET_ADD, name: 'connlimit' }, write)
  }

  /** Goes on only within a rate of all packets that come here. */
  withinRate(rate: RateLimit): this {
    return this.#add('limit', (writer) => writeRate(writer, rate, 0))
  }

  /** Counts in, or is limited by, an object that several rules share. */
  share(object: SharedObject): this {
    return this.#add('objref', (writer) => {
      writer.uint32BigEndian(1, OBJECT_TYPE[object.kind]).text(2, object.name)
    })
  }

  /** Hands the first bytes of the packet to whoever listens to the group (NFLOG); `prefix`: at most 127 bytes. */
  log({ group, prefix, snapBytes }: PacketLog): this {
    return this.#add('log', (writer) => {
      writer
        .bytes(1, Uint8Array.of(group >>> 8, group & 255))
        .text(2, prefix)
        .uint32BigEndian(3, snapBytes)
    })
  }

  reject({ type, code }: { readonly type: number; readonly code: number }): this {
    return this.#add('reject', (writer) => {
      writer.uint32BigEndian(1, type).uint8(2, code)
    })
  }

  /** Leaves this chain for another, for good. */
  goTo(chain: string): this {
    return this.#toChain(VERDICT.goto, chain)
  }

  /** Goes through another chain, and on here if nothing there decides. */
  jump(chain: string): this {
    return this.#toChain(VERDICT.jump, chain)
  }

  #toChain(code: number, chain: string): this {
    return this.#add('immediate', (writer) => {
      writer.uint32BigEndian(1, REGISTER_VERDICT)
      const data = writer.nest(2)
      const verdict = writer.nest(DATA_VERDICT)
      writer.bytes(VERDICT_CODE, uint32Bytes(code)).text(VERDICT_CHAIN, chain)
      writer.close(verdict).close(data)
    })
  }

  #metered(
    meter: { readonly set: string; readonly operation: number; readonly name: string },
    write: (writer: NetlinkWriter) => void,
  ): this {
    return this.#add('dynset', (writer) => {
      writer.text(1, meter.set).uint32BigEndian(3, meter.operation).uint32BigEndian(4, REGISTER.first)
      const expression = writer.nest(7)
      writer.text(EXPRESSION.name, meter.name)
      const fields = writer.nest(EXPRESSION.data)
      write(writer)
      writer.close(fields).close(expression)
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

  /** Puts the key in register 1 into a set; the rule ends here when the set is full. */
  noteIn(set: string): this {
    return this.#add('dynset', (writer) => {
      writer.text(1, set).uint32BigEndian(3, DYNSET_UPDATE).uint32BigEndian(4, REGISTER.first)
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

/** Of a limit, wherever one stands: as an expression, with a set's element, or as an object. */
export function writeRate(writer: NetlinkWriter, rate: RateLimit, flags: number): void {
  writer.uint64BigEndian(1, BigInt(rate.packets)).uint64BigEndian(2, BigInt(rate.perSeconds))
  writer.uint32BigEndian(3, rate.burst).uint32BigEndian(4, 0).uint32BigEndian(5, flags)
}

/** Packets and bytes that the counters among the expressions of a rule counted. */
export function countedBy(
  view: DataView,
  start: number,
  end: number,
): { readonly packets: number; readonly bytes: number } {
  let [packets, bytes] = [0, 0]
  eachAttribute(view, start, end, (_item, itemStart, itemEnd) => {
    let name = ''
    eachAttribute(view, itemStart, itemEnd, (type, from, to) => {
      if (type === EXPRESSION.name) name = textOf(view, from, to)
      else if (type === EXPRESSION.data && name === 'counter') {
        packets += counterField(view, [from, to], COUNTER.packets)
        bytes += counterField(view, [from, to], COUNTER.bytes)
      }
    })
  })
  return { packets, bytes }
}

function counterField(view: DataView, [start, end]: readonly [number, number], wanted: number): number {
  let value = 0
  eachAttribute(view, start, end, (field, from, to) => {
    if (field === wanted && to - from === 8) value = Number(view.getBigUint64(from))
  })
  return value
}

/** Without its closing zero. */
const textOf = (view: DataView, from: number, to: number): string =>
  Buffer.from(view.buffer, view.byteOffset + from, to - from - 1).toString()
