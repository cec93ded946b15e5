import { setImmediate } from 'node:timers/promises'
import { KernelError, setSocketNumber } from './libc.ts'
import {
  eachAttribute,
  type MessageReader,
  NETLINK,
  NetlinkSocket,
  NetlinkWriter,
  REQUEST,
} from './netlink.ts'
import { batchesOf, chunks, type SetFill } from './nft-batches.ts'
import {
  commentOf,
  type DumpedElement,
  eachElement,
  type NftElement,
  writeDeleteElements,
  writeGetElement,
  writeNewElements,
} from './nft-elements.ts'
import { countedBy } from './nft-expressions.ts'
import { type TableLayout, writeDeleteTable, writeTable } from './nft-table.ts'
import {
  BATCH,
  BATCH_HEADER,
  CHAIN,
  ELEMENT_LIST,
  GENERATION,
  INET_HEADER,
  NFT_MESSAGE,
  RULE,
  SET,
  TABLE,
} from './nft-wire.ts'

const SOL_NETLINK = 270
const NETLINK_CAP_ACK = 10
/** One transaction travels in one send: room for 100,000 elements with notes, or lists of two million ranges. */
const SEND_BUFFER_BYTES = 128 << 20
const SOCKET_OPTIONS = { nonblocking: true, bufferBytes: SEND_BUFFER_BYTES }
/** A full answer of a dump has more than a hundred elements; a few small ones end it. */
const SMALL_ANSWER = 50
const MAX_SMALL_ANSWERS = 16
const HEADER = INET_HEADER.length

/** What a change takes out of a set and puts into it, in one transaction. */
export interface SetChange extends SetFill {
  readonly removed?: readonly Pick<NftElement, 'key' | 'end'>[]
  /** Takes all out first. */
  readonly isEmptied?: boolean
}

export interface RuleCount {
  readonly packets: number
  readonly bytes: number
}

/** The ruleset's generation counts the transactions of everybody; `port` is how the kernel calls this socket. */
export interface Generation {
  readonly id: number
  readonly port: number
}

/**
 * One table of family inet by nfnetlink: no `nft` program, no shell, no library. A change is one transaction: all of
 * it or nothing. Answers are 0 or a positive errno; only the constructor throws (KernelError).
 */
export class NftTable {
  readonly name: string
  readonly #commands: NetlinkSocket
  /** Its own: while a dump is under way a socket can take no other. */
  #reader: NetlinkSocket
  readonly #writer = new NetlinkWriter()
  #sequence = 0
  /** Transactions that this object made. */
  #committed = 0

  constructor(name: string) {
    this.name = name
    this.#commands = new NetlinkSocket(NETLINK.netfilter, SOCKET_OPTIONS)
    this.#reader = new NetlinkSocket(NETLINK.netfilter, SOCKET_OPTIONS)
    // A refusal quotes the message that it is about: up to 64 KB each, unless capped.
    setSocketNumber(this.#commands.fd, SOL_NETLINK, NETLINK_CAP_ACK, 1)
  }

  get committed(): number {
    return this.#committed
  }

  /** Puts the table in place with these elements, in place of whatever has its name: one transaction per 100,000. */
  build(layout: TableLayout, fills: readonly SetFill[]): number {
    const [first = [], ...rest] = batchesOf(fills)
    const errno = this.#commit((next) => {
      writeTable(this.#writer, layout, next)
      this.#writeFills(first, next)
    })
    return errno || this.#commitAll(rest)
  }

  /** One transaction of what `write` appends; `next` gives sequence numbers. 0, or the errno of the first refusal. */
  transact(write: (writer: NetlinkWriter, next: () => number) => void): number {
    return this.#commit((next) => write(this.#writer, next))
  }

  /** The same, but nothing of it stays: whether the kernel would take it. */
  rehearse(write: (writer: NetlinkWriter, next: () => number) => void): number {
    return this.#commit((next) => write(this.#writer, next), false)
  }

  /** The bytes of a transaction, for another process to send. */
  transactionBytes(write: (writer: NetlinkWriter, next: () => number) => void): Uint8Array {
    this.#writeBatch((next) => write(this.#writer, next), true)
    return this.#writer.output().slice()
  }

  remove(): number {
    return this.#commit((next) => writeDeleteTable(this.#writer, this.name, next()))
  }

  /** Adds one element: EEXIST when it is there already. */
  add(set: string, element: NftElement): number {
    return this.#commit((next) => {
      const to = { table: this.name, set, sequence: next(), exclusive: true }
      writeNewElements(this.#writer, to, [element])
    })
  }

  /** Adds many, in transactions of 100,000; those that are there already stay as they are. */
  addMany(fills: readonly SetFill[]): number {
    return this.#commitAll(batchesOf(fills))
  }

  change(changes: readonly SetChange[]): number {
    return this.#commit((next) => {
      for (const { set, removed, isEmptied } of changes) {
        const from = { table: this.name, set }
        if (isEmptied) writeDeleteElements(this.#writer, { ...from, sequence: next() })
        for (const some of chunks(removed ?? [])) {
          writeDeleteElements(this.#writer, { ...from, sequence: next() }, some)
        }
      }
      this.#writeFills(changes, next)
    })
  }

  /** One element with its counter. */
  get(set: string, key: Uint8Array): DumpedElement | undefined {
    let found: DumpedElement | undefined
    this.#writer.reset()
    writeGetElement(this.#writer, { table: this.name, set, sequence: ++this.#sequence }, key)
    this.#exchange(this.#sequence, (type, view, start, end) => {
      if (type === NFT_MESSAGE.newElement) eachElement(view, start, end, (element) => (found = element))
    })
    return found
  }

  /** All elements of a set. ENOENT: no such set or table. */
  dump(set: string, read: (element: DumpedElement) => void): number {
    this.#writeDump(set)
    return this.#exchange(this.#sequence, elementsOf(read))
  }

  /**
   * The same, giving way to other work between the kernel's answers: 100,000 elements take it half a second. One at
   * a time, on a socket of its own. A dump goes on as long as somebody adds: so its tail, where the answers are
   * small, is read without giving way, and left when it has no end.
   */
  async dumpSlowly(set: string, read: (element: DumpedElement) => void): Promise<number> {
    this.#writeDump(set)
    const sequence = this.#sequence
    let errno = caught(() => {
      this.#reader.send(this.#writer.output())
      return 0
    })
    for (let smallAnswers = 0; errno === 0; ) {
      let answer: number | undefined
      let elements = 0
      errno = caught(() => {
        answer = this.#reader.receiveAnswer(
          sequence,
          sequence,
          elementsOf((element) => {
            elements++
            read(element)
          }),
        )
        return answer ?? 0
      })
      if (answer !== undefined || errno !== 0) break
      if (elements > SMALL_ANSWER) await setImmediate()
      else if (++smallAnswers > MAX_SMALL_ANSWERS) return this.#leaveDump()
    }
    return errno
  }

  /** The generation, or the errno with which the kernel refuses us. */
  generation(): Generation | number {
    let generation: Generation | undefined
    this.#writer.reset()
    const flags = REQUEST.request | REQUEST.ack
    this.#writer.begin(NFT_MESSAGE.getGeneration, flags, ++this.#sequence, INET_HEADER).end()
    const errno = this.#exchange(this.#sequence, (_type, view, start, end) => {
      // nlmsghdr: the port comes last, right before the body.
      const port = view.getUint32(start - 4, true)
      eachAttribute(view, start + HEADER, end, (type, from) => {
        if (type === GENERATION.id) generation = { id: view.getUint32(from), port }
      })
    })
    return generation ?? errno
  }

  /**
   * Text that is the same as long as nobody touched table, chains, rules and sets. `undefined`: no such table.
   * Handles are never used twice, so whatever was taken out and put back shows.
   */
  fingerprint(): string | undefined {
    const parts: string[] = []
    const { getTable, getChain, getRule, getSet } = NFT_MESSAGE
    this.#list(getTable, TABLE, [TABLE.flags, TABLE.handle], parts)
    if (parts.length === 0) return undefined
    this.#list(getChain, { name: CHAIN.table }, [CHAIN.handle, CHAIN.hook, CHAIN.policy], parts)
    this.#list(getRule, { name: RULE.table }, [RULE.handle], parts)
    this.#list(getSet, { name: SET.table }, [SET.handle, SET.flags], parts)
    return parts.join('\n')
  }

  /** The names of the table's sets; none when there is no such table. */
  setNames(): string[] {
    const names: string[] = []
    this.#writer.reset()
    this.#writer.begin(NFT_MESSAGE.getSet, REQUEST.request | REQUEST.dump, ++this.#sequence, INET_HEADER)
    this.#writer.text(SET.table, this.name).end()
    this.#exchange(this.#sequence, (_type, view, start, end) => {
      eachAttribute(view, start + HEADER, end, (field, from, to) => {
        if (field !== SET.name) return
        names.push(Buffer.from(view.buffer, view.byteOffset + from, to - from - 1).toString())
      })
    })
    return names
  }

  /** Packets that the counters of our rules counted since the table was built; 0 when it is gone. */
  ruleDrops(): number {
    let packets = 0
    this.#eachRule((_note, counted) => (packets += counted.packets))
    return packets
  }

  /** What the counters of the rules counted, by the comments of the rules; rules that share one are added up. */
  ruleCounts(): ReadonlyMap<string, RuleCount> {
    const counts = new Map<string, RuleCount>()
    this.#eachRule((note, { packets, bytes }) => {
      const before = counts.get(note) ?? { packets: 0, bytes: 0 }
      if (note !== '') counts.set(note, { packets: before.packets + packets, bytes: before.bytes + bytes })
    })
    return counts
  }

  close(): void {
    this.#commands.close()
    this.#reader.close()
  }

  #eachRule(read: (note: string, counted: RuleCount) => void): void {
    this.#writer.reset()
    this.#writer.begin(NFT_MESSAGE.getRule, REQUEST.request | REQUEST.dump, ++this.#sequence, INET_HEADER)
    this.#writer.text(RULE.table, this.name).end()
    this.#exchange(this.#sequence, (_type, view, start, end) => {
      let note = ''
      let counted: RuleCount = { packets: 0, bytes: 0 }
      eachAttribute(view, start + HEADER, end, (field, from, to) => {
        if (field === RULE.expressions) counted = countedBy(view, from, to)
        else if (field === RULE.userdata) note = commentOf(view, from, to)
      })
      read(note, counted)
    })
  }

  #list(
    type: number,
    attribute: { readonly name: number },
    shown: readonly number[],
    parts: string[],
  ): number {
    this.#writer.reset()
    const flags = REQUEST.request | REQUEST.dump
    this.#writer.begin(type, flags, ++this.#sequence, INET_HEADER)
    // Rules and sets are listed by table; of tables and chains the kernel lists all.
    if (type === NFT_MESSAGE.getRule || type === NFT_MESSAGE.getSet) {
      this.#writer.text(attribute.name, this.name)
    }
    this.#writer.end()
    return this.#exchange(this.#sequence, (_type, view, start, end) => {
      let table = ''
      const values: string[] = []
      eachAttribute(view, start + HEADER, end, (field, from, to) => {
        const value = Buffer.from(view.buffer, view.byteOffset + from, to - from)
        if (field === attribute.name) table = value.toString('utf8', 0, value.length - 1)
        else if (shown.includes(field)) values.push(`${field}=${value.toString('hex')}`)
      })
      if (table === this.name) parts.push(`${type} ${values.join(' ')}`)
    })
  }

  /** A dump can only be left by closing its socket. */
  #leaveDump(): number {
    this.#reader.close()
    return caught(() => {
      this.#reader = new NetlinkSocket(NETLINK.netfilter, SOCKET_OPTIONS)
      return 0
    })
  }

  #writeDump(set: string): void {
    const flags = REQUEST.request | REQUEST.dump
    this.#writer.reset().begin(NFT_MESSAGE.getElement, flags, ++this.#sequence, INET_HEADER)
    this.#writer.text(ELEMENT_LIST.table, this.name).text(ELEMENT_LIST.set, set).end()
  }

  #commitAll(batches: readonly (readonly SetFill[])[]): number {
    for (const batch of batches) {
      const errno = this.#commit((next) => this.#writeFills(batch, next))
      if (errno !== 0) return errno
    }
    return 0
  }

  #writeFills(fills: readonly SetFill[], next: () => number): void {
    for (const { set, elements } of fills) {
      for (const some of chunks(elements)) {
        writeNewElements(this.#writer, { table: this.name, set, sequence: next() }, some)
      }
    }
  }

  #commit(write: (next: () => number) => void, forGood = true): number {
    const { first, last } = this.#writeBatch(write, forGood)
    if (last === first) return 0
    const errno = caught(() => {
      this.#commands.send(this.#writer.output())
      return this.#commands.exchange(first, last)
    })
    if (errno === 0 && forGood) this.#committed++
    return errno
  }

  /** Without its end the kernel checks a batch and takes all of it back (nfnetlink_rcv_batch). */
  #writeBatch(
    write: (next: () => number) => void,
    hasEnd: boolean,
  ): { readonly first: number; readonly last: number } {
    const first = ++this.#sequence
    this.#writer.reset().begin(BATCH.begin, REQUEST.request, first, BATCH_HEADER).end()
    write(() => ++this.#sequence)
    const last = this.#sequence
    if (last === first) return { first, last }
    this.#writer.wantAcknowledgement()
    if (hasEnd) this.#writer.begin(BATCH.end, REQUEST.request, ++this.#sequence, BATCH_HEADER).end()
    return { first, last }
  }

  #exchange(sequence: number, read: MessageReader): number {
    return caught(() => {
      this.#commands.send(this.#writer.output())
      return this.#commands.exchange(sequence, sequence, read)
    })
  }
}

const elementsOf =
  (read: (element: DumpedElement) => void): MessageReader =>
  (type, view, start, end) => {
    if (type === NFT_MESSAGE.newElement) eachElement(view, start, end, read)
  }

/** A refused send or receive is an answer like any other. */
function caught(run: () => number): number {
  try {
    return run()
  } catch (error) {
    if (error instanceof KernelError) return error.errno
    throw error
  }
}
