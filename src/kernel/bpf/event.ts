/**
 * One event as our eBPF programs write it and we read it. The head is of all kinds; numbers are in the machine's
 * order (little-endian on all we run on), addresses and the peer's port as on the wire.
 */
export const AT = {
  kind: 0,
  protocol: 1,
  /** 4 or 6. */
  version: 2,
  /** The TCP state that a socket goes to. */
  state: 3,
  netns: 4,
  cookie: 8,
  /** Thread id, then process id. */
  thread: 16,
  pid: 20,
  uid: 24,
  cgroup: 32,
  inode: 40,
  device: 48,
  generation: 52,
  startedNs: 56,
  parentPid: 64,
  localPort: 68,
  peerPort: 72,
  localAddress: 80,
  peerAddress: 96,
  shortName: 112,
  /** Only of `exec` from here on. */
  filename: 128,
  interpreter: 384,
  lastPart: 512,
  arguments: 576,
} as const

export const BYTES = {
  exit: 64,
  socket: 128,
  shortName: 16,
  filename: 256,
  interpreter: 128,
  lastPart: 64,
  arguments: 512,
  exec: 1088,
} as const

export const KIND = {
  connect: 1,
  send: 2,
  release: 3,
  state: 4,
  listen: 5,
  exec: 6,
  exit: 7,
  raw: 8,
} as const

/** TCP states (net/tcp_states.h). */
export const TCP_STATE = { established: 1, synSent: 2, close: 7, listen: 10 } as const

/** Clock ticks, as /proc counts the start of a process: 100 a second (time(7)). */
const NS_PER_TICK = 10_000_000n
const MAPPED = 0xffff0000
const text = new TextDecoder()

/**
 * Reads the fields of one event in place. One object, moved from record to record: read before the next one comes,
 * never keep it. The view may be of memory that the kernel writes.
 */
export class EventView {
  #view: DataView = new DataView(new ArrayBuffer(BYTES.exec))
  #start = 0
  #length: number = BYTES.exec

  /** False when the record is too short for its kind: it is then no event of ours. */
  moveTo(view: DataView, start: number, length: number): boolean {
    this.#view = view
    this.#start = start
    this.#length = length
    if (length < BYTES.exit) return false
    const { kind } = this
    return length >= (kind === KIND.exec ? BYTES.exec : kind === KIND.exit ? BYTES.exit : BYTES.socket)
  }

  get kind(): number {
    return this.#view.getUint8(this.#start + AT.kind)
  }
  get protocol(): number {
    return this.#view.getUint8(this.#start + AT.protocol)
  }
  get state(): number {
    return this.#view.getUint8(this.#start + AT.state)
  }
  get pid(): number {
    return this.#word(AT.pid)
  }
  get uid(): number {
    return this.#word(AT.uid)
  }
  get parentPid(): number {
    return this.#word(AT.parentPid)
  }
  /** Number of the network namespace, as `stat /proc/PID/ns/net` shows it. */
  get netns(): number {
    return this.#word(AT.netns)
  }
  /** In the form of `cookieNumber`. */
  get cookie(): number {
    const high = this.#view.getInt32(this.#start + AT.cookie + 4, true)
    return high * 2 ** 32 + this.#word(AT.cookie)
  }
  get cgroup(): number {
    return this.#word(AT.cgroup + 4) * 2 ** 32 + this.#word(AT.cgroup)
  }
  get inode(): number {
    return this.#word(AT.inode + 4) * 2 ** 32 + this.#word(AT.inode)
  }
  /** As the kernel counts devices: major number << 20 | minor number. */
  get device(): number {
    return this.#word(AT.device)
  }
  get generation(): number {
    return this.#word(AT.generation)
  }
  get startTicks(): number {
    return Number(this.#view.getBigUint64(this.#start + AT.startedNs, true) / NS_PER_TICK)
  }
  get localPort(): number {
    return this.#word(AT.localPort) & 0xffff
  }
  get peerPort(): number {
    return this.#view.getUint16(this.#start + AT.peerPort)
  }
  /** 4 for an IPv4 address within an IPv6 socket too: so are its packets. */
  get version(): 4 | 6 {
    const version = this.#view.getUint8(this.#start + AT.version)
    return version === 6 && !this.#isMapped(AT.peerAddress) && !this.#isMapped(AT.localAddress) ? 6 : 4
  }
  /** 32-bit word 0 to 3, network order; an IPv4 address is word 0. */
  localWord(index: number): number {
    return this.#addressWord(AT.localAddress, index)
  }
  peerWord(index: number): number {
    return this.#addressWord(AT.peerAddress, index)
  }
  get shortName(): string {
    return this.#text(AT.shortName, BYTES.shortName)
  }
  /** As it was given to execve(2): may be relative, a script, or cut off at 255 bytes. */
  get filename(): string {
    return this.#text(AT.filename, BYTES.filename)
  }
  /** What really runs when `filename` is a script. */
  get interpreter(): string {
    return this.#text(AT.interpreter, BYTES.interpreter)
  }
  /** The last part of the executable's path. */
  get lastPart(): string {
    return this.#text(AT.lastPart, BYTES.lastPart)
  }
  /** The first 512 bytes of the arguments, each ended by a zero byte: a copy. */
  get arguments(): Buffer {
    const end = this.#start + Math.min(this.#length, BYTES.exec)
    const bytes = Buffer.from(
      this.#view.buffer,
      this.#view.byteOffset + this.#start + AT.arguments,
      end - this.#start - AT.arguments,
    )
    return Buffer.from(trimmed(bytes))
  }

  #word(at: number): number {
    return this.#view.getUint32(this.#start + at, true)
  }

  #isMapped(at: number): boolean {
    const start = this.#start + at
    return (
      this.#view.getUint32(start, true) === 0 &&
      this.#view.getUint32(start + 4, true) === 0 &&
      this.#word(at + 8) === MAPPED
    )
  }

  #addressWord(at: number, index: number): number {
    const isMapped = this.version === 4 && this.#view.getUint8(this.#start + AT.version) === 6
    if (isMapped) return index === 0 ? this.#view.getUint32(this.#start + at + 12) : 0
    return this.#view.getUint32(this.#start + at + index * 4)
  }

  #text(at: number, room: number): string {
    const start = this.#view.byteOffset + this.#start + at
    const bytes = Buffer.from(this.#view.buffer, start, room)
    const end = bytes.indexOf(0)
    return text.decode(bytes.subarray(0, end < 0 ? room : end))
  }
}

/** A socket cookie as a number that is exact for all that a kernel hands out: they count up from 0 and down from 2^64. */
export const cookieNumber = (cookie: bigint): number => Number(BigInt.asIntN(64, cookie))

function trimmed(bytes: Buffer): Buffer {
  let end = bytes.length
  while (end > 0 && bytes[end - 1] === 0) end--
  return bytes.subarray(0, end)
}
