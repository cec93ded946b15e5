import {
  AF_NETLINK,
  bindSocket,
  closeFd,
  KernelError,
  openSocket,
  receiveBytes,
  SOCK_NONBLOCK,
  SOCK_RAW,
  SOL_SOCKET,
  sendBytes,
  setSocketNumber,
  watchReadable,
} from './libc.ts'

/** Netlink families (linux/netlink.h). */
export const NETLINK = { route: 0, sockDiag: 4, connector: 11, netfilter: 12 } as const

/** Message types below the families' own (linux/netlink.h). */
const NLMSG_ERROR = 2
const NLMSG_DONE = 3
const HEADER_BYTES = 16

export const REQUEST = {
  request: 0x1,
  ack: 0x4,
  dump: 0x300,
  create: 0x400,
  exclusive: 0x200,
  append: 0x800,
} as const

const SO_SNDBUFFORCE = 32
const SO_RCVBUFFORCE = 33
const SOL_NETLINK = 270
const NETLINK_NO_ENOBUFS = 5
const RECEIVE_BYTES = 1 << 20
const NESTED = 0x8000
const EAGAIN = 11

const align = (length: number): number => (length + 3) & ~3

/** Writes netlink messages into one growing buffer. Numbers in attributes are big-endian where named so. */
export class NetlinkWriter {
  #bytes: Uint8Array
  #view: DataView
  #at = 0
  #messageAt = 0

  constructor(capacity = 65_536) {
    this.#bytes = new Uint8Array(capacity)
    this.#view = new DataView(this.#bytes.buffer)
  }

  /** Forgets all messages; the buffer stays. */
  reset(): this {
    this.#at = 0
    return this
  }

  /** Opens a message; `header` is the family's own fixed part. */
  begin(type: number, flags: number, sequence: number, header: Uint8Array): this {
    this.#reserve(HEADER_BYTES + align(header.length))
    this.#messageAt = this.#at
    this.#view.setUint16(this.#at + 4, type, true)
    this.#view.setUint16(this.#at + 6, flags, true)
    this.#view.setUint32(this.#at + 8, sequence, true)
    this.#view.setUint32(this.#at + 12, 0, true)
    this.#bytes.set(header, this.#at + HEADER_BYTES)
    this.#at += HEADER_BYTES + align(header.length)
    return this
  }

  end(): this {
    this.#view.setUint32(this.#messageAt, this.#at - this.#messageAt, true)
    return this
  }

  /** Asks for an acknowledgement of the message written last. */
  wantAcknowledgement(): this {
    const flags = this.#view.getUint16(this.#messageAt + 6, true)
    this.#view.setUint16(this.#messageAt + 6, flags | REQUEST.ack, true)
    return this
  }

  bytes(type: number, value: Uint8Array): this {
    const length = 4 + value.length
    this.#reserve(align(length))
    this.#view.setUint16(this.#at, length, true)
    this.#view.setUint16(this.#at + 2, type, true)
    this.#bytes.set(value, this.#at + 4)
    this.#bytes.fill(0, this.#at + length, this.#at + align(length))
    this.#at += align(length)
    return this
  }

  /** A zero-terminated string. */
  text(type: number, value: string): this {
    return this.bytes(type, new TextEncoder().encode(`${value}\0`))
  }

  uint8(type: number, value: number): this {
    return this.bytes(type, Uint8Array.of(value))
  }

  uint32BigEndian(type: number, value: number): this {
    this.#attributeHead(type, 4)
    this.#view.setUint32(this.#at, value >>> 0)
    this.#at += 4
    return this
  }

  uint64BigEndian(type: number, value: bigint): this {
    this.#attributeHead(type, 8)
    this.#view.setBigUint64(this.#at, value)
    this.#at += 8
    return this
  }

  /** Opens a nested attribute; give the answer to `close`. */
  nest(type: number): number {
    this.#reserve(4)
    const at = this.#at
    this.#view.setUint16(at + 2, type | NESTED, true)
    this.#at += 4
    return at
  }

  /** A nested attribute's length is 16 bits: about 2,300 set elements at most (kernel uapi netlink.h). */
  close(nestedAt: number): this {
    this.#view.setUint16(nestedAt, this.#at - nestedAt, true)
    return this
  }

  get length(): number {
    return this.#at
  }

  /** The messages so far: valid until the next write. */
  output(): Uint8Array {
    return this.#bytes.subarray(0, this.#at)
  }

  #attributeHead(type: number, bytes: number): void {
    this.#reserve(4 + bytes)
    this.#view.setUint16(this.#at, 4 + bytes, true)
    this.#view.setUint16(this.#at + 2, type, true)
    this.#at += 4
  }

  #reserve(bytes: number): void {
    if (this.#at + bytes <= this.#bytes.length) return
    const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.#at + bytes))
    grown.set(this.#bytes.subarray(0, this.#at))
    this.#bytes = grown
    this.#view = new DataView(grown.buffer)
  }
}

/** One message: its type, sequence, and its body as [start, end) within `view`. */
export type MessageReader = (
  type: number,
  view: DataView,
  start: number,
  end: number,
  sequence: number,
) => void

/** Calls `read` for each attribute in [start, end): type without the nested bit, and the value's own span. */
export function eachAttribute(
  view: DataView,
  start: number,
  end: number,
  read: (type: number, valueStart: number, valueEnd: number) => void,
): void {
  for (let at = start; at + 4 <= end; ) {
    const length = view.getUint16(at, true)
    if (length < 4 || at + length > end) return
    read(view.getUint16(at + 2, true) & 0x3fff, at + 4, at + length)
    at += align(length)
  }
}

/** A netlink socket of one family. Requests are blocking (the kernel answers at once); events come by `onMessage`. */
export class NetlinkSocket {
  readonly fd: number
  readonly #into = new Uint8Array(RECEIVE_BYTES)
  readonly #view = new DataView(this.#into.buffer)
  #watch: { close(): void } | undefined

  /** `groups` is the legacy bit mask of multicast groups to hear. Throws KernelError. */
  constructor(
    family: number,
    options: { readonly groups?: number; readonly nonblocking?: boolean; readonly bufferBytes?: number } = {},
  ) {
    this.fd = openSocket(AF_NETLINK, SOCK_RAW | (options.nonblocking ? SOCK_NONBLOCK : 0), family)
    this.#enlargeBuffers(options.bufferBytes)
    const address = new Uint8Array(12)
    const view = new DataView(address.buffer)
    view.setUint16(0, AF_NETLINK, true)
    view.setUint32(8, options.groups ?? 0, true)
    bindSocket(this.fd, address)
  }

  send(messages: Uint8Array): void {
    sendBytes(this.fd, messages)
  }

  /** Receives until every message of a dump came. Throws KernelError when the kernel refuses. */
  dump(call: string, read: MessageReader): void {
    for (let done = false; !done; ) {
      this.#receive((type, view, start, end, sequence) => {
        if (type === NLMSG_DONE) done = true
        else if (type === NLMSG_ERROR) throwIfRefused(call, view, start)
        else read(type, view, start, end, sequence)
      })
    }
  }

  /** Receives until the acknowledgement of `sequence`. Answers 0 or a positive errno: the first refusal wins. */
  acknowledge(sequence: number): number {
    for (;;) {
      let answer: number | undefined
      this.#receive((type, view, start, _end, answered) => {
        if (type !== NLMSG_ERROR || answer) return
        const errno = -view.getInt32(start, true)
        if (errno !== 0 || answered === sequence) answer = errno
      })
      if (answer !== undefined) return answer
    }
  }

  /**
   * The answers to the requests `first` to `last`, until the acknowledgement of `last`, the end of a dump or the
   * first refusal. Answers 0 or a positive errno. Leftovers of earlier requests are passed over. On a nonblocking
   * socket a missing answer is EAGAIN instead of a wait: netlink answers before `send` comes back.
   */
  exchange(first: number, last: number, read?: MessageReader): number {
    for (;;) {
      const answer = this.receiveAnswer(first, last, read)
      if (answer !== undefined) return answer
    }
  }

  /** One step of `exchange`: what one receive brings. `undefined`: more is to come. */
  receiveAnswer(first: number, last: number, read?: MessageReader): number | undefined {
    let answer: number | undefined
    const isReceived = this.#receive((type, view, start, end, sequence) => {
      if (answer !== undefined || sequence < first || sequence > last) return
      if (type !== NLMSG_ERROR && type !== NLMSG_DONE) return read?.(type, view, start, end, sequence)
      const errno = end - start >= 4 ? Math.abs(view.getInt32(start, true)) : 0
      if (errno !== 0 || sequence === last) answer = errno
    })
    return isReceived ? answer : EAGAIN
  }

  /**
   * Calls `read` from the event loop for what the kernel sends by itself. Needs `nonblocking`.
   * `onLost`: messages came faster than we read and the kernel threw some away (ENOBUFS, netlink(7)).
   */
  onMessage(read: MessageReader, onLost?: () => void): void {
    this.#watch = watchReadable(this.fd, () => {
      try {
        while (this.#receive(read));
      } catch (error) {
        if (onLost === undefined || !(error instanceof KernelError) || error.code !== 'ENOBUFS') throw error
        onLost()
      }
    })
  }

  close(): void {
    this.#watch?.close()
    closeFd(this.fd)
  }

  #receive(read: MessageReader): boolean {
    const length = receiveBytes(this.fd, this.#into)
    if (length < 0) return false
    for (let at = 0; at + HEADER_BYTES <= length; ) {
      const size = this.#view.getUint32(at, true)
      if (size < HEADER_BYTES || at + size > length) break
      read(
        this.#view.getUint16(at + 4, true),
        this.#view,
        at + HEADER_BYTES,
        at + size,
        this.#view.getUint32(at + 8, true),
      )
      at += align(size)
    }
    return true
  }

  /** Beyond rmem_max needs CAP_NET_ADMIN: without it the default stays and a burst may be lost. */
  #enlargeBuffers(bytes: number | undefined): void {
    if (bytes === undefined) return
    try {
      setSocketNumber(this.fd, SOL_SOCKET, SO_RCVBUFFORCE, bytes)
      setSocketNumber(this.fd, SOL_SOCKET, SO_SNDBUFFORCE, bytes)
      setSocketNumber(this.fd, SOL_NETLINK, NETLINK_NO_ENOBUFS, 1)
    } catch (refused) {
      if (!(refused instanceof KernelError)) throw refused
    }
  }
}

function throwIfRefused(call: string, view: DataView, start: number): void {
  const errno = -view.getInt32(start, true)
  if (errno !== 0) throw new KernelError(call, errno)
}
