/** TCP states as the kernel numbers them (net/tcp_states.h); an unconnected UDP socket is in `close`. */
export const SOCKET_STATE = {
  established: 1,
  synSent: 2,
  synReceived: 3,
  finWait1: 4,
  finWait2: 5,
  timeWait: 6,
  close: 7,
  closeWait: 8,
  lastAck: 9,
  listen: 10,
  closing: 11,
  newSynReceived: 12,
} as const

/** The five numbers of a socket as words. `version` is 4 or 6; an IPv4 address is word 0 alone. */
export interface SocketWords {
  readonly protocol: number
  readonly version: number
  readonly local: Uint32Array
  readonly localPort: number
  readonly peer: Uint32Array
  readonly peerPort: number
}

/** What crosses threads: the arrays move, they are not copied. */
export interface SocketColumns {
  readonly count: number
  readonly protocol: Uint8Array
  readonly version: Uint8Array
  readonly state: Uint8Array
  /** 1 for an IPv6 socket that takes no IPv4 (IPV6_V6ONLY). */
  readonly onlyIpv6: Uint8Array
  readonly localPort: Uint16Array
  readonly peerPort: Uint16Array
  /** Four words a row, network order. */
  readonly local: Uint32Array
  readonly peer: Uint32Array
  readonly inode: Uint32Array
  readonly uid: Uint32Array
  /** Two words a row, low first: the number that eBPF calls the socket cookie. */
  readonly cookie: Uint32Array
}

/** Offsets within struct inet_diag_msg (linux/inet_diag.h). */
const AT = {
  family: 0,
  state: 1,
  localPort: 4,
  peerPort: 6,
  local: 8,
  peer: 24,
  cookie: 44,
  uid: 64,
  inode: 68,
} as const
const AF_INET6 = 10
/** ::ffff:0:0/96, third word: an IPv4 address in an IPv6 socket (RFC 4291 §2.5.5.2). */
const MAPPED = 0xffff
const FIRST_CAPACITY = 4_096
const MAX_SOCKETS = 1 << 19
const BUCKETS = 1 << 16
const NONE = -1

/** The sockets of one network namespace as typed columns: no object per socket. Bounded; what is beyond is counted. */
export class SocketTable implements SocketColumns {
  count = 0
  refused = 0
  protocol!: Uint8Array<ArrayBuffer>
  version!: Uint8Array<ArrayBuffer>
  state!: Uint8Array<ArrayBuffer>
  onlyIpv6!: Uint8Array<ArrayBuffer>
  localPort!: Uint16Array<ArrayBuffer>
  peerPort!: Uint16Array<ArrayBuffer>
  local!: Uint32Array<ArrayBuffer>
  peer!: Uint32Array<ArrayBuffer>
  inode!: Uint32Array<ArrayBuffer>
  uid!: Uint32Array<ArrayBuffer>
  cookie!: Uint32Array<ArrayBuffer>
  readonly #maxSockets: number
  /** Chains of rows with equal port hash: built by `index`. */
  readonly #heads = new Int32Array(BUCKETS)
  #next = new Int32Array(0)

  constructor(maxSockets = MAX_SOCKETS) {
    this.#maxSockets = maxSockets
    this.#resize(Math.min(FIRST_CAPACITY, maxSockets))
  }

  clear(): void {
    this.count = 0
    this.refused = 0
  }

  /** Hot: runs per socket of a dump. Appends the inet_diag_msg at `start`; the caller has checked its length. */
  append(view: DataView, start: number, protocol: number, onlyIpv6: number): void {
    if (this.count === this.state.length) {
      if (this.count >= this.#maxSockets) {
        this.refused++
        return
      }
      this.#resize(Math.min(this.count * 2, this.#maxSockets))
    }
    const row = this.count++
    this.protocol[row] = protocol
    this.state[row] = view.getUint8(start + AT.state)
    this.onlyIpv6[row] = onlyIpv6
    this.localPort[row] = view.getUint16(start + AT.localPort)
    this.peerPort[row] = view.getUint16(start + AT.peerPort)
    for (let word = 0; word < 4; word++) {
      this.local[row * 4 + word] = view.getUint32(start + AT.local + word * 4)
      this.peer[row * 4 + word] = view.getUint32(start + AT.peer + word * 4)
    }
    this.cookie[row * 2] = view.getUint32(start + AT.cookie, true)
    this.cookie[row * 2 + 1] = view.getUint32(start + AT.cookie + 4, true)
    this.uid[row] = view.getUint32(start + AT.uid, true)
    this.inode[row] = view.getUint32(start + AT.inode, true)
    this.version[row] = view.getUint8(start + AT.family) === AF_INET6 ? this.#unmap(row) : 4
  }

  /** Makes `find` possible: call once after the last row. */
  index(): void {
    this.#heads.fill(NONE)
    if (this.#next.length < this.count) this.#next = new Int32Array(this.state.length)
    for (let row = 0; row < this.count; row++) {
      const bucket = bucketOf(this.localPort[row] as number, this.peerPort[row] as number)
      this.#next[row] = this.#heads[bucket] as number
      this.#heads[bucket] = row
    }
  }

  /**
   * The row that the kernel would deliver to: the connected socket, else the listening or unconnected one bound to
   * the local address, else the one bound to any address. Needs `index`.
   */
  find(key: SocketWords): number | undefined {
    return this.#findConnected(key) ?? this.#findUnconnected(key)
  }

  isListening(row: number): boolean {
    return this.peerPort[row] === 0 && this.state[row] !== SOCKET_STATE.established
  }

  #findConnected(key: SocketWords): number | undefined {
    const { protocol, version, localPort, peerPort } = key
    for (let row = this.#first(localPort, peerPort); row !== NONE; row = this.#next[row] as number) {
      if (this.localPort[row] !== localPort || this.peerPort[row] !== peerPort) continue
      if (this.protocol[row] !== protocol || this.version[row] !== version) continue
      if (sameWords(this.local, row, key.local) && sameWords(this.peer, row, key.peer)) return row
    }
    return undefined
  }

  #findUnconnected(key: SocketWords): number | undefined {
    let any: number | undefined
    for (let row = this.#first(key.localPort, 0); row !== NONE; row = this.#next[row] as number) {
      if (this.localPort[row] !== key.localPort || this.peerPort[row] !== 0) continue
      if (this.protocol[row] !== key.protocol) continue
      if (this.version[row] === key.version && sameWords(this.local, row, key.local)) return row
      if (this.#takesAny(row, key.version)) any = this.#closer(any, row, key.version)
    }
    return any
  }

  /** Bound to any address, and of a family that gets packets of this version. */
  #takesAny(row: number, version: number): boolean {
    for (let word = 0; word < 4; word++) if (this.local[row * 4 + word] !== 0) return false
    return this.version[row] === version || (version === 4 && this.onlyIpv6[row] === 0)
  }

  /** Of two sockets bound to any address the one of the packet's own family: so does the kernel. */
  #closer(known: number | undefined, row: number, version: number): number {
    return known !== undefined && this.version[known] === version ? known : row
  }

  #first(localPort: number, peerPort: number): number {
    return this.#heads[bucketOf(localPort, peerPort)] as number
  }

  /** An IPv6 socket that talks IPv4 is kept as IPv4, as its packets are. Answers the version. */
  #unmap(row: number): number {
    const at = row * 4
    const isMapped = this.local[at] === 0 && this.local[at + 1] === 0 && this.local[at + 2] === MAPPED
    if (!isMapped) return 6
    for (const words of [this.local, this.peer]) {
      words[at] = words[at + 3] as number
      words[at + 2] = 0
      words[at + 3] = 0
    }
    return 4
  }

  #resize(capacity: number): void {
    this.protocol = grown(Uint8Array, this.protocol, capacity)
    this.version = grown(Uint8Array, this.version, capacity)
    this.state = grown(Uint8Array, this.state, capacity)
    this.onlyIpv6 = grown(Uint8Array, this.onlyIpv6, capacity)
    this.localPort = grown(Uint16Array, this.localPort, capacity)
    this.peerPort = grown(Uint16Array, this.peerPort, capacity)
    this.local = grown(Uint32Array, this.local, capacity * 4)
    this.peer = grown(Uint32Array, this.peer, capacity * 4)
    this.inode = grown(Uint32Array, this.inode, capacity)
    this.uid = grown(Uint32Array, this.uid, capacity)
    this.cookie = grown(Uint32Array, this.cookie, capacity * 2)
  }
}

const bucketOf = (localPort: number, peerPort: number): number =>
  (localPort ^ Math.imul(peerPort, 0x9e37)) & (BUCKETS - 1)

function sameWords(column: Uint32Array, row: number, words: Uint32Array): boolean {
  for (let word = 0; word < 4; word++) if (column[row * 4 + word] !== words[word]) return false
  return true
}

type Column = Uint8Array<ArrayBuffer> | Uint16Array<ArrayBuffer> | Uint32Array<ArrayBuffer>

function grown<C extends Column>(kind: new (length: number) => C, old: C | undefined, length: number): C {
  const column = new kind(length)
  if (old) column.set(old)
  return column
}
