import { statSync } from 'node:fs'
import { formatIpv4, formatIpv6 } from '#model/address.ts'
import type { SocketKey } from '#model/owner.ts'
import type { SocketBytes } from './bpf/byte-counters.ts'
import { AF_INET, AF_INET6 } from './libc.ts'
import { eachAttribute, NETLINK, NetlinkSocket, NetlinkWriter, REQUEST } from './netlink.ts'
import { SOCKET_STATE } from './socket-table.ts'

const SOCK_DIAG_BY_FAMILY = 20
const TCP = 6
const REQUEST_BYTES = 56
/** Attribute, and as a bit of the request: struct tcp_info (linux/inet_diag.h). */
const INET_DIAG_INFO = 2
/** Sockets that end: SKNLGRP_INET_TCP_DESTROY and SKNLGRP_INET6_TCP_DESTROY (linux/sock_diag.h) as bits. */
const ENDS = (1 << 0) | (1 << 2)
const BUFFER_BYTES = 4 << 20
/** Those that have data, or had: not those that listen, open, or only wait. */
const COUNTING =
  0xfff &
  ~(
    (1 << SOCKET_STATE.listen) |
    (1 << SOCKET_STATE.timeWait) |
    (1 << SOCKET_STATE.newSynReceived) |
    (1 << SOCKET_STATE.synSent)
  )
/** Offsets within struct inet_diag_msg and struct tcp_info. */
const MESSAGE = {
  bytes: 72,
  family: 0,
  localPort: 4,
  peerPort: 6,
  local: 8,
  peer: 24,
  cookie: 44,
  waiting: 56,
  inode: 68,
} as const
const INFO = {
  received: 128,
  sentPackets: 136,
  receivedPackets: 140,
  sent: 200,
  resent: 208,
  bytes: 216,
} as const
const MAPPED = 0xffff
const ROOM = 65_536

type Counts = Pick<SocketBytes, 'sentBytes' | 'sentPackets' | 'receivedBytes' | 'receivedPackets'>

/** A TCP socket that is there, or that has ended since somebody asked for it last. */
export interface CountedSocket extends SocketBytes {
  readonly key: SocketKey
  /** 0 when it has ended. */
  readonly inode: number
  readonly hasEnded: boolean
}

const NOTHING: Counts = { sentBytes: 0, sentPackets: 0, receivedBytes: 0, receivedPackets: 0 }

/**
 * What the kernel itself counts of each TCP socket of this network namespace, for machines without eBPF: bytes of data,
 * each once, without headers. Read by sock_diag; of a socket that ends the kernel tells the last count by itself. UDP
 * has no such counters.
 */
export class TcpBytes {
  readonly room = ROOM
  readonly #dumps = new NetlinkSocket(NETLINK.sockDiag)
  readonly #ends: NetlinkSocket
  readonly #netns = statSync('/proc/thread-self/ns/net').ino
  readonly #sockets = new Map<bigint, CountedSocket>()
  /** What was counted of a live socket before we began, or was taken already. */
  readonly #before = new Map<bigint, Counts>()
  #overflow = NOTHING
  #sequence = 0

  /** Throws KernelError where the kernel has no sock_diag, or does not tell us of sockets that end. */
  constructor() {
    try {
      this.#ends = new NetlinkSocket(NETLINK.sockDiag, {
        groups: ENDS,
        nonblocking: true,
        bufferBytes: BUFFER_BYTES,
      })
      this.#ends.onMessage((_type, view, start, end) => this.#ended(view, start, end))
      this.#dump()
    } catch (refused) {
      this.close()
      throw refused
    }
    for (const [cookie, socket] of this.#sockets) this.#before.set(cookie, socket)
  }

  /** Reads all sockets: 1 to 3 µs each. */
  cookies(): bigint[] {
    this.#dump()
    return [...this.#sockets.keys()]
  }

  of(cookie: bigint): CountedSocket | undefined {
    const socket = this.#sockets.get(cookie)
    return socket && { ...socket, ...difference(socket, this.#before.get(cookie) ?? NOTHING) }
  }

  /** The same, and it counts from 0 again. */
  take(cookie: bigint): CountedSocket | undefined {
    const taken = this.of(cookie)
    const socket = this.#sockets.get(cookie)
    if (!taken || !socket) return undefined
    this.#sockets.delete(cookie)
    if (socket.hasEnded) this.#before.delete(cookie)
    else this.#before.set(cookie, socket)
    return taken
  }

  /** Of sockets that ended while there was no room for more. */
  overflow(): SocketBytes {
    return { ...this.#overflow, netns: this.#netns, localPort: 0, protocol: TCP }
  }

  close(): void {
    this.#dumps.close()
    this.#ends?.close()
  }

  /** A socket that is gone and of whose end we were not told (the message was lost) counts no more. */
  #dump(): void {
    const live = new Set<bigint>()
    for (const family of [AF_INET, AF_INET6]) {
      this.#dumps.send(requestFor(family, ++this.#sequence))
      this.#dumps.dump('sock_diag dump', (_type, view, start, end) => {
        const cookie = this.#note(view, [start, end], false)
        if (cookie !== undefined) live.add(cookie)
      })
    }
    for (const cookie of this.#before.keys()) {
      if (!live.has(cookie) && !this.#sockets.get(cookie)?.hasEnded) this.#before.delete(cookie)
    }
    for (const [cookie, { hasEnded }] of this.#sockets) {
      if (!live.has(cookie) && !hasEnded) this.#isGone(cookie)
    }
  }

  /** Its last count may be in a message that comes a moment later. */
  #isGone(cookie: bigint): void {
    const socket = this.#sockets.get(cookie)
    if (socket) this.#sockets.set(cookie, { ...socket, hasEnded: true, inode: 0 })
  }

  #ended(view: DataView, start: number, end: number): void {
    const cookie = this.#note(view, [start, end], true)
    const socket = cookie !== undefined && this.#sockets.get(cookie)
    // Never connected, or it only listened.
    if (socket && socket.sentPackets + socket.receivedPackets === 0) this.#sockets.delete(cookie)
  }

  /** Takes in one inet_diag_msg with its tcp_info; answers the cookie. */
  #note(view: DataView, [start, end]: readonly [number, number], hasEnded: boolean): bigint | undefined {
    if (end - start < MESSAGE.bytes) return undefined
    const counts = countsOf(view, start + MESSAGE.bytes, end)
    if (!counts) return undefined
    const cookie = view.getBigUint64(start + MESSAGE.cookie, true)
    const known = this.#sockets.get(cookie)
    if (known?.hasEnded && !hasEnded) return cookie
    if (!known && this.#sockets.size >= ROOM) {
      if (hasEnded)
        this.#overflow = sum(this.#overflow, difference(counts, this.#before.get(cookie) ?? NOTHING))
      return cookie
    }
    const key = known?.key ?? keyOf(view, start)
    this.#sockets.set(cookie, {
      ...counts,
      key,
      netns: this.#netns,
      localPort: key.localPort,
      protocol: TCP,
      inode: hasEnded ? 0 : view.getUint32(start + MESSAGE.inode, true),
      hasEnded,
    })
    return cookie
  }
}

/**
 * What was taken out of each TCP socket of this network namespace so far, by cookie: what came less what waits. Throws
 * KernelError where the kernel has no sock_diag.
 */
export function takenSoFar(): Map<bigint, bigint> {
  const taken = new Map<bigint, bigint>()
  const dumps = new NetlinkSocket(NETLINK.sockDiag)
  try {
    for (const [sequence, family] of [AF_INET, AF_INET6].entries()) {
      dumps.send(requestFor(family, sequence + 1))
      dumps.dump('sock_diag dump', (_type, view, start, end) => {
        const counts = end - start >= MESSAGE.bytes && countsOf(view, start + MESSAGE.bytes, end)
        if (!counts) return
        const waiting = view.getUint32(start + MESSAGE.waiting, true)
        taken.set(
          view.getBigUint64(start + MESSAGE.cookie, true),
          BigInt(Math.max(0, counts.receivedBytes - waiting)),
        )
      })
    }
  } finally {
    dumps.close()
  }
  return taken
}

/** For all TCP sockets of a family that have data, or had. */
function requestFor(family: number, sequence: number): Uint8Array {
  const header = new Uint8Array(REQUEST_BYTES)
  header[0] = family
  header[1] = TCP
  header[2] = 1 << (INET_DIAG_INFO - 1)
  new DataView(header.buffer).setUint32(4, COUNTING, true)
  const flags = REQUEST.request | REQUEST.dump
  return new NetlinkWriter(128).begin(SOCK_DIAG_BY_FAMILY, flags, sequence, header).end().output()
}

/** Undefined without a tcp_info that counts what was sent (kernels before 4.19). */
function countsOf(view: DataView, start: number, end: number): Counts | undefined {
  let counts: Counts | undefined
  eachAttribute(view, start, end, (type, at, to) => {
    if (type !== INET_DIAG_INFO || to - at < INFO.bytes) return
    counts = {
      sentBytes: Number(view.getBigUint64(at + INFO.sent, true) - view.getBigUint64(at + INFO.resent, true)),
      receivedBytes: Number(view.getBigUint64(at + INFO.received, true)),
      sentPackets: view.getUint32(at + INFO.sentPackets, true),
      receivedPackets: view.getUint32(at + INFO.receivedPackets, true),
    }
  })
  return counts
}

function keyOf(view: DataView, start: number): SocketKey {
  const isIpv6 = view.getUint8(start + MESSAGE.family) === AF_INET6
  return {
    protocol: TCP,
    localAddress: addressAt(view, start + MESSAGE.local, isIpv6),
    localPort: view.getUint16(start + MESSAGE.localPort),
    peerAddress: addressAt(view, start + MESSAGE.peer, isIpv6),
    peerPort: view.getUint16(start + MESSAGE.peerPort),
  }
}

/** An IPv6 socket that talks IPv4 is of IPv4, as its packets are. */
function addressAt(view: DataView, at: number, isIpv6: boolean): string {
  const [w0, w1, w2, w3] = [0, 4, 8, 12].map((offset) => view.getUint32(at + offset)) as [
    number,
    number,
    number,
    number,
  ]
  if (!isIpv6) return formatIpv4(w0)
  return w0 === 0 && w1 === 0 && w2 === MAPPED ? formatIpv4(w3) : formatIpv6(w0, w1, w2, w3)
}

const sum = (a: Counts, b: Counts): Counts => ({
  sentBytes: a.sentBytes + b.sentBytes,
  sentPackets: a.sentPackets + b.sentPackets,
  receivedBytes: a.receivedBytes + b.receivedBytes,
  receivedPackets: a.receivedPackets + b.receivedPackets,
})

const difference = (now: Counts, before: Counts): Counts => ({
  sentBytes: now.sentBytes - before.sentBytes,
  sentPackets: now.sentPackets - before.sentPackets,
  receivedBytes: now.receivedBytes - before.receivedBytes,
  receivedPackets: now.receivedPackets - before.receivedPackets,
})
