import { AF_INET, AF_INET6, KernelError, receiveBytes, sendBytes } from './libc.ts'
import { eachAttribute, NETLINK, NetlinkSocket, REQUEST } from './netlink.ts'
import { SOCKET_STATE, type SocketTable, type SocketWords } from './socket-table.ts'

/** One socket as the kernel describes it. */
export interface DiagSocket {
  /** 0 for a socket that no program holds any more (TIME_WAIT). */
  readonly inode: number
  readonly uid: number
  /** Unique for the life of the machine; eBPF reports the same number. */
  readonly cookie: bigint
  readonly state: number
}

export interface DumpOptions {
  /** Also connections that are over and only wait (TIME_WAIT): they have no owner. */
  readonly withTimeWait?: boolean
}

const SOCK_DIAG_BY_FAMILY = 20
const NLMSG_ERROR = 2
const NLMSG_DONE = 3
const INET_DIAG_SKV6ONLY = 11
const HEADER_BYTES = 16
const REQUEST_BYTES = 72
const INET_DIAG_MSG_BYTES = 72
/** The kernel fills at most 32 KB a receive (netlink_dump). */
const RECEIVE_BYTES = 1 << 16
const IPPROTO_TCP = 6
const IPPROTO_UDP = 17
const ALL_STATES = 0xffffffff
const MSG_DONTWAIT = 0x40
const CODE_NOT_FOUND = new Set(['ENOENT', 'ESTALE'])

/** Offsets within our request: netlink header, then struct inet_diag_req_v2 (linux/inet_diag.h). */
const REQ = {
  family: 16,
  protocol: 17,
  states: 20,
  sourcePort: 24,
  targetPort: 26,
  source: 28,
  target: 44,
  cookie: 64,
} as const

const TABLES = [
  [AF_INET, IPPROTO_TCP],
  [AF_INET6, IPPROTO_TCP],
  [AF_INET, IPPROTO_UDP],
  [AF_INET6, IPPROTO_UDP],
] as const

/**
 * Asks the kernel for TCP and UDP sockets (NETLINK_SOCK_DIAG): those of the network namespace in which this object
 * was made. Needs no privilege. The constructor throws KernelError where the kernel has no sock_diag.
 */
export class SocketDiag {
  readonly #netlink = new NetlinkSocket(NETLINK.sockDiag)
  readonly #request = new Uint8Array(REQUEST_BYTES)
  readonly #requestView = new DataView(this.#request.buffer)
  readonly #into = new Uint8Array(RECEIVE_BYTES)
  readonly #view = new DataView(this.#into.buffer)
  #sequence = 0

  /** Protocols for which this kernel has no sock_diag module, such as `udp`. */
  readonly missing = new Set<string>()

  /** Replaces the rows of `table` and indexes it, in one go. */
  fill(table: SocketTable, options: DumpOptions = {}): void {
    for (const _slice of this.fillSlices(table, options));
  }

  /**
   * The same in slices of about 300 sockets (well under a millisecond): go on with the generator when the event
   * loop has had its turn. Ended early, the rest is read and thrown away, so that the next request starts clean.
   */
  *fillSlices(table: SocketTable, options: DumpOptions = {}): Generator<void> {
    table.clear()
    const states = options.withTimeWait
      ? ALL_STATES
      : ALL_STATES & ~((1 << SOCKET_STATE.timeWait) | (1 << SOCKET_STATE.newSynReceived))
    for (const [family, protocol] of TABLES) {
      this.#send(REQUEST.request | REQUEST.dump, family, protocol, states)
      let isDone = false
      try {
        while (!isDone) {
          isDone = this.#receiveSlice(table, protocol)
          if (!isDone) yield
        }
      } finally {
        while (!isDone) isDone = this.#receiveSlice(undefined, protocol)
      }
    }
    table.index()
  }

  /**
   * The socket that the kernel would deliver a packet of this key to: its connected socket, else the one that
   * listens there. Misses sockets bound to a device (SO_BINDTODEVICE, link-local peers): a table finds those.
   * About 10 µs.
   */
  find(key: SocketWords): DiagSocket | undefined {
    const view = this.#requestView
    const family = key.version === 4 ? AF_INET : AF_INET6
    this.#prepare(REQUEST.request, family, key.protocol, ALL_STATES)
    // For UDP the kernel takes source and target swapped, "for historical reasons" (net/ipv4/udp_diag.c).
    const isSwapped = key.protocol === IPPROTO_UDP
    view.setUint16(isSwapped ? REQ.targetPort : REQ.sourcePort, key.localPort)
    view.setUint16(isSwapped ? REQ.sourcePort : REQ.targetPort, key.peerPort)
    for (let word = 0; word < 4; word++) {
      view.setUint32((isSwapped ? REQ.target : REQ.source) + word * 4, key.local[word] as number)
      view.setUint32((isSwapped ? REQ.source : REQ.target) + word * 4, key.peer[word] as number)
    }
    view.setUint32(REQ.cookie, 0xffffffff)
    view.setUint32(REQ.cookie + 4, 0xffffffff)
    sendBytes(this.#netlink.fd, this.#request)
    return this.#receiveOne()
  }

  close(): void {
    this.#netlink.close()
  }

  #prepare(flags: number, family: number, protocol: number, states: number): void {
    this.#request.fill(0)
    const view = this.#requestView
    view.setUint32(0, REQUEST_BYTES, true)
    view.setUint16(4, SOCK_DIAG_BY_FAMILY, true)
    view.setUint16(6, flags, true)
    view.setUint32(8, ++this.#sequence, true)
    view.setUint8(REQ.family, family)
    view.setUint8(REQ.protocol, protocol)
    view.setUint32(REQ.states, states >>> 0, true)
  }

  #send(flags: number, family: number, protocol: number, states: number): void {
    this.#prepare(flags, family, protocol, states)
    sendBytes(this.#netlink.fd, this.#request)
  }

  /** Bytes of the next answer. A dump answers at once (netlink_dump): nothing there is a fault, not a wait. */
  #receive(): number {
    const length = receiveBytes(this.#netlink.fd, this.#into, MSG_DONTWAIT)
    if (length < 0) throw new Error('sock_diag gave no answer')
    return length
  }

  /** Appends what one receive gives; true after the last. */
  #receiveSlice(table: SocketTable | undefined, protocol: number): boolean {
    const length = this.#receive()
    for (let at = 0; at + HEADER_BYTES <= length; ) {
      const size = this.#view.getUint32(at, true)
      if (size < HEADER_BYTES || at + size > length) throw new Error('sock_diag answer is cut off')
      const type = this.#view.getUint16(at + 4, true)
      if (type === NLMSG_DONE) return true
      if (type === NLMSG_ERROR) {
        this.#noteMissing(this.#view.getInt32(at + HEADER_BYTES, true), protocol)
        return true
      }
      if (table) appendMessage(table, this.#view, at + HEADER_BYTES, at + size, protocol)
      at += (size + 3) & ~3
    }
    return false
  }

  /** ENOENT: no module for this protocol, the other tables are still good. Anything else is thrown. */
  #noteMissing(negativeErrno: number, protocol: number): void {
    const refused = new KernelError('sock_diag dump', -negativeErrno)
    if (refused.code !== 'ENOENT') throw refused
    this.missing.add(protocol === IPPROTO_TCP ? 'tcp' : 'udp')
  }

  #receiveOne(): DiagSocket | undefined {
    const length = this.#receive()
    const view = this.#view
    if (length < HEADER_BYTES + 4) throw new Error('sock_diag answer is cut off')
    if (view.getUint16(4, true) === NLMSG_ERROR) {
      const refused = new KernelError('sock_diag look-up', -view.getInt32(HEADER_BYTES, true))
      if (CODE_NOT_FOUND.has(refused.code)) return undefined
      throw refused
    }
    if (length < HEADER_BYTES + INET_DIAG_MSG_BYTES) throw new Error('sock_diag answer is cut off')
    return {
      inode: view.getUint32(HEADER_BYTES + 68, true),
      uid: view.getUint32(HEADER_BYTES + 64, true),
      cookie: view.getBigUint64(HEADER_BYTES + 44, true),
      state: view.getUint8(HEADER_BYTES + 1),
    }
  }
}

/** Appends the inet_diag_msg in [start, end) with its attributes. A message that is too short is left out. */
export function appendMessage(
  table: SocketTable,
  view: DataView,
  start: number,
  end: number,
  protocol: number,
): void {
  if (end - start < INET_DIAG_MSG_BYTES) return
  table.append(view, start, protocol, isOnlyIpv6(view, start, end) ? 1 : 0)
}

/** The kernel says so for IPv6 sockets that listen or are not connected: the only ones where it matters. */
function isOnlyIpv6(view: DataView, start: number, end: number): boolean {
  const state = view.getUint8(start + 1)
  if (view.getUint8(start) !== AF_INET6) return false
  if (state !== SOCKET_STATE.listen && state !== SOCKET_STATE.close) return false
  let found = false
  eachAttribute(view, start + INET_DIAG_MSG_BYTES, end, (type, valueStart) => {
    if (type === INET_DIAG_SKV6ONLY) found = view.getUint8(valueStart) === 1
  })
  return found
}
