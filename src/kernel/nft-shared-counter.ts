import { KernelError } from './libc.ts'
import { eachAttribute, NETLINK, NetlinkSocket, NetlinkWriter, REQUEST } from './netlink.ts'
import { OBJECT_TYPE } from './nft-expressions.ts'
import { COUNTER, INET_HEADER, NFT_MESSAGE, OBJECT } from './nft-wire.ts'

/** Reads a counter that several rules of a table of family inet share. Throws KernelError when it opens. */
export class SharedCounter {
  readonly #socket = new NetlinkSocket(NETLINK.netfilter, { nonblocking: true })
  readonly #writer = new NetlinkWriter(256)
  readonly #table: string
  readonly #name: string
  #sequence = 0

  constructor(table: string, name: string) {
    this.#table = table
    this.#name = name
  }

  /** Packets since it was put in place; undefined when there is no such counter, or the kernel does not answer. */
  read(): number | undefined {
    let packets: number | undefined
    const sequence = ++this.#sequence
    const flags = REQUEST.request | REQUEST.ack
    this.#writer.reset().begin(NFT_MESSAGE.getObject, flags, sequence, INET_HEADER)
    this.#writer.text(OBJECT.table, this.#table).text(OBJECT.name, this.#name)
    this.#writer.uint32BigEndian(OBJECT.type, OBJECT_TYPE.counter).end()
    try {
      this.#socket.send(this.#writer.output())
      this.#socket.exchange(sequence, sequence, (_type, view, start, end) => {
        eachAttribute(view, start + INET_HEADER.length, end, (field, from, to) => {
          if (field === OBJECT.data) packets = packetsOf(view, from, to)
        })
      })
    } catch (error) {
      if (!(error instanceof KernelError)) throw error
    }
    return packets
  }

  close(): void {
    this.#socket.close()
  }
}

function packetsOf(view: DataView, start: number, end: number): number {
  let packets = 0
  eachAttribute(view, start, end, (field, from, to) => {
    if (field === COUNTER.packets && to - from === 8) packets = Number(view.getBigUint64(from))
  })
  return packets
}
