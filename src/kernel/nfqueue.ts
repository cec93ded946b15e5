import { KernelError } from './libc.ts'
import { eachAttribute, NETLINK, NetlinkSocket, NetlinkWriter, REQUEST } from './netlink.ts'

/** Numbers of linux/netfilter/nfnetlink_queue.h. */
const MESSAGE = { packet: 0x300, verdict: 0x301, config: 0x302 } as const
const CONFIG = { command: 1, parameters: 2, maxLength: 3, mask: 4, flags: 5 } as const
const COMMAND_BIND = 1
const COPY_PACKET = 2
/** A full queue lets pass what finds no room; large packets come whole. */
const FLAGS = { failOpen: 1, gso: 4 } as const
const PACKET = { header: 1, payload: 10 } as const
const VERDICT_HEADER = 2
const ACCEPT = 1
const NFGENMSG_BYTES = 4

/** Numbers that few use: the first that is free is taken. */
const FIRST_NUMBER = 7_700
const NUMBERS = 16
const MAX_LENGTH = 1_024
const BUFFER_BYTES = 4 << 20
/** IPv6 header, some extensions, and ports. */
const COPIED_BYTES = 128

/** A packet that waits for `accept(id)`: its IP header begins at `start` of `view`, good until the call returns. */
export type QueuedPacketReader = (id: number, view: DataView, start: number, end: number) => void

/**
 * Packets that the kernel holds until we let them go (NFQUEUE). When the queue is full, or this process is over, packets
 * pass: those that it held then are dropped, and sent again by whoever sent them.
 */
export class PacketQueue {
  readonly number: number
  readonly #netlink = new NetlinkSocket(NETLINK.netfilter, { nonblocking: true, bufferBytes: BUFFER_BYTES })
  readonly #writer = new NetlinkWriter(256)
  readonly #verdict = new Uint8Array(8)
  readonly #verdictView = new DataView(this.#verdict.buffer)
  #sequence = 0

  /** Throws KernelError where the kernel has no queues, does not allow it, or all our numbers are taken. */
  constructor() {
    try {
      this.number = this.#bindFree()
      const parameters = new Uint8Array(5)
      new DataView(parameters.buffer).setUint32(0, COPIED_BYTES)
      parameters[4] = COPY_PACKET
      this.#configure((writer) => writer.bytes(CONFIG.parameters, parameters))
      this.#configure((writer) => writer.uint32BigEndian(CONFIG.maxLength, MAX_LENGTH))
      const flags = FLAGS.failOpen | FLAGS.gso
      this.#configure((writer) =>
        writer.uint32BigEndian(CONFIG.mask, flags).uint32BigEndian(CONFIG.flags, flags),
      )
    } catch (refused) {
      this.#netlink.close()
      throw refused
    }
  }

  /** Each packet must be accepted, at once or later. */
  onPacket(read: QueuedPacketReader): void {
    this.#netlink.onMessage((type, view, start, end) => {
      if (type === MESSAGE.packet) readQueued(view, start + NFGENMSG_BYTES, end, read)
    })
  }

  accept(id: number): void {
    this.#verdictView.setUint32(0, ACCEPT)
    this.#verdictView.setUint32(4, id)
    const writer = this.#writer.reset().begin(MESSAGE.verdict, REQUEST.request, 0, this.#header())
    this.#netlink.send(writer.bytes(VERDICT_HEADER, this.#verdict).end().output())
  }

  close(): void {
    this.#netlink.close()
  }

  /** A number that somebody has answers EPERM or EBUSY (nfqnl_recv_config). */
  #bindFree(): number {
    for (let number = FIRST_NUMBER; ; number++) {
      try {
        this.#configure(
          (writer) => writer.bytes(CONFIG.command, Uint8Array.of(COMMAND_BIND, 0, 0, 0)),
          number,
        )
        return number
      } catch (refused) {
        const isTaken = refused instanceof KernelError && ['EPERM', 'EBUSY'].includes(refused.code)
        if (!isTaken || number === FIRST_NUMBER + NUMBERS - 1) throw refused
      }
    }
  }

  #configure(write: (writer: NetlinkWriter) => void, number: number = this.number): void {
    const sequence = ++this.#sequence
    const flags = REQUEST.request | REQUEST.ack
    this.#writer.reset().begin(MESSAGE.config, flags, sequence, this.#header(number))
    write(this.#writer)
    this.#netlink.send(this.#writer.end().output())
    const errno = this.#netlink.exchange(sequence, sequence)
    if (errno !== 0) throw new KernelError('packet queue (NFQUEUE)', errno)
  }

  /** struct nfgenmsg, with the queue's number in network order. */
  #header(number: number = this.number): Uint8Array {
    return Uint8Array.of(0, 0, number >> 8, number & 255)
  }
}

/** The id and the packet of one message; `start` is after its nfgenmsg. What has no id cannot be answered. */
export function readQueued(view: DataView, start: number, end: number, read: QueuedPacketReader): void {
  let id: number | undefined
  let [from, to] = [end, end]
  eachAttribute(view, start, end, (type, valueStart, valueEnd) => {
    if (type === PACKET.header && valueEnd - valueStart >= 4) id = view.getUint32(valueStart)
    if (type === PACKET.payload) [from, to] = [valueStart, valueEnd]
  })
  if (id !== undefined) read(id, view, from, to)
}
