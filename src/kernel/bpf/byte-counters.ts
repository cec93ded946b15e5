import { closeFd, mapShared, pageBytes, type SharedMapping } from '../libc.ts'
import {
  attachToCgroup,
  attachTyped,
  createMap,
  loadProgram,
  lookUpElement,
  MAP,
  nextKey,
  ProgramRefused,
  setElement,
  takeElement,
} from './bpf.ts'
import { type Btf, BtfError, readKernelBtf } from './btf.ts'
import {
  type ByteMaps,
  COUNTED,
  messageProgram,
  packetProgram,
  SLOT,
  type TakenMaps,
  type TcpOffsets,
  takenProgram,
  tcpOffsets,
} from './byte-programs.ts'
import { openGroup } from './denied-programs.ts'
import { type KernelOffsets, kernelOffsets } from './watch-programs.ts'

const MAX_SOCKETS = 1 << 17
/** Of these so many may want a place that is taken. */
const ELSEWHERE = 8
/** No socket has it: nobody counts here while its place is emptied. */
const NOBODYS = -1n
const WORD_BYTES = 8

/**
 * Since the socket's first packet. Bytes of packets are of IP: from the IP header on, as netfilter counts them. Of messages
 * they are what programs sent and took, and a packet is a message.
 */
export interface SocketBytes {
  readonly sentBytes: number
  readonly sentPackets: number
  readonly receivedBytes: number
  readonly receivedPackets: number
  /** Number of its network namespace. */
  readonly netns: number
  readonly localPort: number
  readonly protocol: number
}

/** How much had been taken out of TCP sockets that are there already, by cookie: see `takenSoFar`. */
export type TakenBefore = ReadonlyMap<bigint, bigint>

export interface ByteCountersOptions {
  readonly btf?: Btf
  /** Messages (Linux 6.3 or later) cost packets and connections nothing. */
  readonly counts: 'packets' | 'messages'
  /** With packets: folder of the control group whose sockets are counted; absent: the root, which is all. */
  readonly cgroup?: string
  /** With messages: what is not to count any more. */
  readonly before?: TakenBefore
  /** Sockets that are counted apart at a time, a power of two: an eighth more may be; what is beyond counts together. */
  readonly sockets?: number
}

/** Counts what each socket sends and receives, also when no packet is captured. All ends when this is closed. */
export class ByteCounters {
  readonly room: number
  readonly counts: ByteCountersOptions['counts']
  readonly #fds: number[] = []
  /** Where each socket has its place: memory that the kernel writes. */
  readonly #slots: SharedMapping
  readonly #slotCount: number
  readonly #words: BigInt64Array
  readonly #elsewhere: number
  /** Sockets with counters elsewhere, at the last walk: a place may have become free since, and count on. */
  readonly #others = new Set<bigint>()
  readonly #overflow: number
  readonly #value = new DataView(new ArrayBuffer(COUNTED.valueBytes))
  readonly #key = new BigUint64Array(1)
  readonly #next = new BigUint64Array(1)

  /** Throws BtfError, KernelError or ProgramRefused; then nothing stays behind. */
  constructor(options: ByteCountersOptions) {
    const { btf = readKernelBtf(), counts, cgroup, sockets = MAX_SOCKETS, before = new Map() } = options
    const elsewhere = Math.ceil(sockets / ELSEWHERE)
    this.room = sockets + elsewhere
    this.counts = counts
    this.#slotCount = sockets
    const offsets = kernelOffsets(btf)
    try {
      const { keyBytes, valueBytes } = COUNTED
      const array = { type: MAP.array, keyBytes: 4 } as const
      const slots = this.#keep(
        createMap('gh_bytes', { ...array, valueBytes: SLOT.bytes, entries: sockets, isMappable: true }),
      )
      this.#slots = mapShared(slots, wholePages(sockets * SLOT.bytes))
      this.#words = new BigInt64Array(this.#slots.buffer)
      this.#elsewhere = this.#keep(
        createMap('gh_bytes_too', { type: MAP.hash, keyBytes, valueBytes, entries: elsewhere }),
      )
      this.#overflow = this.#keep(createMap('gh_more_bytes', { ...array, valueBytes, entries: 1 }))
      const maps = { slots, slotCount: sockets, sockets: this.#elsewhere, overflow: this.#overflow }
      if (counts === 'packets') this.#countPackets(offsets, maps, cgroup)
      else this.#countMessages(offsets, { ...maps, before: this.#mapOf(before) }, btf)
    } catch (refused) {
      this.close()
      throw refused
    }
  }

  /** The cookies that have counters now. Takes about a millisecond. */
  cookies(): bigint[] {
    const cookies = new Set<bigint>()
    // Most places are free: a bigint for each would be made in vain.
    const halves = new Int32Array(this.#slots.buffer)
    for (let at = 0; at < this.#slotCount * WORDS; at += WORDS) {
      if (halves[at * 2] !== 0 || halves[at * 2 + 1] !== 0) cookies.add(this.#words[at] as bigint)
    }
    const [key, next] = [new Uint8Array(this.#key.buffer), new Uint8Array(this.#next.buffer)]
    this.#others.clear()
    let from: Uint8Array | undefined
    // The walk begins anew when its place was taken away: it must end all the same.
    for (let steps = 0; steps < 2 * this.room && nextKey(this.#elsewhere, from, next); steps++) {
      this.#others.add(this.#next[0] as bigint)
      key.set(next)
      from = key
    }
    for (const cookie of this.#others) cookies.add(cookie)
    return [...cookies]
  }

  of(cookie: bigint): SocketBytes | undefined {
    const place = this.#placeOf(cookie)
    const here = place === undefined ? undefined : this.#readSlot(place)
    if (here && !this.#others.has(cookie)) return here
    const isThere = lookUpElement(this.#elsewhere, this.#keyOf(cookie), this.#bytes())
    return isThere ? sum(this.#read(), here) : here
  }

  /** The same, and it counts from 0 again. */
  take(cookie: bigint): SocketBytes | undefined {
    const place = this.#placeOf(cookie)
    const here = place === undefined ? undefined : this.#emptySlot(place)
    if (here && !this.#others.has(cookie)) return here
    const isThere = takeElement(this.#elsewhere, this.#keyOf(cookie), this.#bytes())
    return isThere ? sum(this.#read(), here) : here
  }

  /** All that was counted while there was no room for one more socket. */
  overflow(): SocketBytes {
    lookUpElement(this.#overflow, new Uint8Array(4), this.#bytes())
    return this.#read()
  }

  close(): void {
    for (const fd of this.#fds.splice(0).reverse()) closeFd(fd)
    this.#slots?.release()
  }

  #countPackets(offsets: KernelOffsets, maps: ByteMaps, cgroup: string | undefined): void {
    const group = openGroup(cgroup)
    try {
      for (const [hook, direction] of [
        ['egress', 'sent'],
        ['ingress', 'received'],
      ] as const) {
        const program = loadProgram(`gh_${direction}`, hook, packetProgram(direction, offsets, maps))
        this.#attach(program, () => attachToCgroup(program, group.fd, hook))
      }
    } finally {
      group.close()
    }
  }

  #mapOf(taken: TakenBefore): number {
    const shape = { type: MAP.hash, keyBytes: WORD_BYTES, valueBytes: WORD_BYTES } as const
    const map = this.#keep(createMap('gh_before', { ...shape, entries: Math.max(1, taken.size) }))
    for (const [cookie, bytes] of taken)
      setElement(
        map,
        new Uint8Array(BigUint64Array.of(cookie).buffer),
        new Uint8Array(BigUint64Array.of(bytes).buffer),
      )
    return map
  }

  #countMessages(offsets: KernelOffsets, maps: TakenMaps, btf: Btf): void {
    const attach = (name: string, tracepoint: string, instructions: Uint8Array): void => {
      const program = loadProgram(name, 'typedTracepoint', instructions, btf.tracepoint(tracepoint))
      this.#attach(program, () => attachTyped(program))
    }
    const tcp = tcpOffsetsOf(btf)
    const isWithoutTcp =
      tcp !== undefined && isTaken(() => attach('gh_taken', TAKEN, takenProgram(offsets, tcp, maps)))
    attach('gh_received', 'sock_recv_length', messageProgram('received', offsets, maps, { isWithoutTcp }))
    attach('gh_sent', 'sock_send_length', messageProgram('sent', offsets, maps, { isWithoutTcp: false }))
  }

  #attach(program: number, attach: () => number): void {
    try {
      this.#keep(attach())
    } finally {
      closeFd(program)
    }
  }

  /** Index of the word where the socket's place begins, if it has one. */
  #placeOf(cookie: bigint): number | undefined {
    const place = Number(cookie & BigInt(this.#slotCount - 1)) * WORDS
    return this.#words[place] === cookie ? place : undefined
  }

  #readSlot(place: number): SocketBytes {
    const from = place * WORD_BYTES + SLOT.value
    this.#bytes().set(new Uint8Array(this.#slots.buffer, from, COUNTED.valueBytes))
    return this.#read()
  }

  /** Packets that come meanwhile are counted elsewhere. */
  #emptySlot(place: number): SocketBytes {
    Atomics.store(this.#words, place, NOBODYS)
    const bytes = this.#readSlot(place)
    // How far its stream was taken stays, for when it speaks again.
    this.#words.fill(0n, place + 1, place + FIRST_KEPT_WORD)
    Atomics.store(this.#words, place, 0n)
    return bytes
  }

  #keyOf(cookie: bigint): Uint8Array {
    this.#key[0] = cookie
    return new Uint8Array(this.#key.buffer)
  }

  #bytes(): Uint8Array {
    return new Uint8Array(this.#value.buffer)
  }

  #read(): SocketBytes {
    return {
      sentBytes: this.#long(COUNTED.sentBytes),
      sentPackets: this.#long(COUNTED.sentPackets),
      receivedBytes: this.#long(COUNTED.receivedBytes),
      receivedPackets: this.#long(COUNTED.receivedPackets),
      netns: this.#word(COUNTED.netns),
      localPort: this.#word(COUNTED.localPort),
      protocol: this.#word(COUNTED.protocol),
    }
  }

  #long(at: number): number {
    return Number(this.#value.getBigUint64(at, true))
  }

  #word(at: number): number {
    return this.#value.getUint32(at, true)
  }

  #keep(fd: number): number {
    this.#fds.push(fd)
    return fd
  }
}

const WORDS = SLOT.bytes / WORD_BYTES
const FIRST_KEPT_WORD = (SLOT.value + COUNTED.protocol) / WORD_BYTES
/** Where the kernel looks how fast data is taken out of a TCP socket (net/ipv4/tcp_input.c). */
const TAKEN = 'tcp_rcv_space_adjust'

/** False on kernels that allow this program less than ours. */
function isTaken(attach: () => void): boolean {
  try {
    attach()
    return true
  } catch (refused) {
    if (refused instanceof ProgramRefused) return false
    throw refused
  }
}

/** Undefined on kernels that do not tell: then what splice(2) takes out of a socket is missed. */
function tcpOffsetsOf(btf: Btf): TcpOffsets | undefined {
  try {
    btf.tracepoint(TAKEN)
    return tcpOffsets(btf)
  } catch (missing) {
    if (missing instanceof BtfError) return undefined
    throw missing
  }
}

const wholePages = (bytes: number): number => Math.ceil(bytes / pageBytes()) * pageBytes()

const sum = (a: SocketBytes, b: SocketBytes | undefined): SocketBytes =>
  b === undefined
    ? a
    : {
        ...a,
        sentBytes: a.sentBytes + b.sentBytes,
        sentPackets: a.sentPackets + b.sentPackets,
        receivedBytes: a.receivedBytes + b.receivedBytes,
        receivedPackets: a.receivedPackets + b.receivedPackets,
      }
