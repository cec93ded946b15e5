/** Hot: `drain` runs per packet. Allocates nothing. */

import {
  createFramesAhead,
  type FrameSink,
  LINK_TYPE,
  MOST_FRAMES_AHEAD,
  type SourceCounts,
} from '#capture/source.ts'
import {
  AF_PACKET,
  addressOf,
  bindSocket,
  closeFd,
  getSocketOption,
  KernelError,
  mapShared,
  openSocket,
  pageBytes,
  type SharedMapping,
  SOCK_NONBLOCK,
  SOCK_RAW,
  SOL_SOCKET,
  setSocketNumber,
  setSocketOption,
  watchReadable,
} from './libc.ts'
import { HARDWARE_TYPE, type Link } from './links.ts'

/** linux/if_packet.h, linux/if_ether.h, asm-generic/socket.h */
const SOCK_DGRAM = 2
const SOL_PACKET = 263
const PACKET_RX_RING = 5
const PACKET_STATISTICS = 6
const PACKET_VERSION = 10
const PACKET_IGNORE_OUTGOING = 23
const TPACKET_V3 = 2
const SO_ATTACH_FILTER = 26
const ETH_P_ALL = 0x0003
const TP_STATUS_USER = 1
const TP_STATUS_VLAN_VALID = 0x10
const VLAN_ID = 0xfff

/** struct tpacket_block_desc in 32-bit words: status, number of packets, offset of the first. */
const BLOCK_STATUS = 2
const BLOCK_PACKETS = 3
const BLOCK_FIRST = 4

/** struct tpacket3_hdr in 32-bit words. `tp_mac` is the lower half of word 6, the VLAN tag of word 8. */
const FRAME_NEXT = 0
const FRAME_SECONDS = 1
const FRAME_NANOSECONDS = 2
const FRAME_CAPTURED = 3
const FRAME_LENGTH = 4
const FRAME_STATUS = 5
const FRAME_MAC = 6
const FRAME_VLAN = 8

/**
 * The kernel hands a block over when it is full or this old, so this is how late a packet may come when traffic is
 * light. 1 ms is the smallest that PACKET_RX_RING takes; kernels before 6.18 round it up to a jiffy (4 ms at 250 Hz).
 */
const RETIRE_MS = 1
const FRAME_SLOT_BYTES = 2_048

/** The rest of a block of 4 KB is headers. */
const MAX_SNAP_BYTES = 3_584

/**
 * Blocks are single pages: the kernel also hands a block over when it is full, so small ones come sooner. Of an nmap
 * scan at 20 packets a millisecond the middle packet waited 0.09 ms in blocks of 4 KB and 0.7 ms in blocks of 64 KB.
 */
const BLOCK_BYTES = Math.max(4_096, pageBytes())

/** Hardware types whose frames are IP without a link header we need (linux/if_arp.h): PPP, raw IP, tunnels, SIT, GRE. */
const IP_HARDWARE_TYPES: readonly number[] = [512, 519, 768, 769, 776, 778, 823, HARDWARE_TYPE.none]

/** How frames of a link begin, as a pcap link type; undefined: not a link that carries IP in a way we read. */
export function linkTypeOf(link: Link): number | undefined {
  if (link.hardwareType === HARDWARE_TYPE.ethernet) return LINK_TYPE.ethernet
  // Loopback frames carry an Ethernet header of zeros.
  if (link.hardwareType === HARDWARE_TYPE.loopback) return LINK_TYPE.ethernet
  return IP_HARDWARE_TYPES.includes(link.hardwareType) ? LINK_TYPE.raw : undefined
}

export interface RingOptions {
  readonly link: Link
  /** Number that the frames carry as their `interfaceIndex`. */
  readonly interfaceIndex: number
  /** Bytes kept of each frame. A block must hold one frame: at most MAX_SNAP_BYTES. */
  readonly snapBytes: number
  /** Size of the ring: memory that the kernel locks. */
  readonly ringBytes: number
}

/** A TPACKET_V3 ring on one interface (packet(7)): frames in memory that the kernel shares with us, in both directions. */
export class PacketRing {
  readonly #fd: number
  readonly #memory: SharedMapping
  readonly #words: Int32Array
  readonly #view: DataView
  readonly #blocks: number
  readonly #linkType: number
  readonly #interfaceIndex: number
  readonly #statistics = new Uint8Array(12)
  readonly #ahead = createFramesAhead()
  #block = 0
  #received = 0
  #dropped = 0
  #watch: { close(): void } | undefined
  #closed = false

  /** Throws KernelError: EPERM without CAP_NET_RAW, ENODEV when the link is gone, ENOMEM. */
  constructor(options: RingOptions) {
    const linkType = linkTypeOf(options.link)
    if (linkType === undefined) throw new TypeError(`no ring for hardware type ${options.link.hardwareType}`)
    this.#linkType = linkType
    this.#interfaceIndex = options.interfaceIndex
    this.#blocks = Math.max(8, Math.floor(options.ringBytes / BLOCK_BYTES))
    // SOCK_DGRAM takes the link header away where it is none that we know. Protocol 0: nothing arrives before bind.
    const type = linkType === LINK_TYPE.raw ? SOCK_DGRAM : SOCK_RAW
    this.#fd = openSocket(AF_PACKET, type | SOCK_NONBLOCK, 0)
    try {
      setSocketNumber(this.#fd, SOL_PACKET, PACKET_VERSION, TPACKET_V3)
      // A loopback packet passes twice, going out and coming in.
      if (options.link.loopback) setSocketNumber(this.#fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
      cutFramesAt(this.#fd, Math.min(options.snapBytes, MAX_SNAP_BYTES))
      this.#memory = mapRing(this.#fd, this.#blocks)
    } catch (error) {
      closeFd(this.#fd)
      throw error
    }
    this.#words = new Int32Array(this.#memory.buffer)
    this.#view = new DataView(this.#memory.buffer)
    try {
      bindSocket(this.#fd, linkAddress(options.link.index))
    } catch (error) {
      this.close()
      throw error
    }
  }

  /** Calls `onReadable` when blocks are ready; `onGone` once, when the interface went down or away. */
  watch(onReadable: () => void, onGone: () => void): void {
    this.#watch = watchReadable(this.#fd, onReadable, onGone)
  }

  /**
   * Delivers at most `maxBlocks` blocks and gives them back to the kernel. Answers how many there were;
   * what is left keeps the ring readable.
   */
  drain(sink: FrameSink, maxBlocks: number): number {
    if (this.#closed) return 0
    const words = this.#words
    let drained = 0
    for (; drained < maxBlocks; drained++) {
      const base = this.#block * BLOCK_BYTES
      const status = (base >> 2) + BLOCK_STATUS
      // Atomics order our reads after the kernel's writes, and its next writes after our reads.
      if ((Atomics.load(words, status) & TP_STATUS_USER) === 0) break
      this.#deliver(sink, base)
      Atomics.store(words, status, 0)
      this.#block = this.#block + 1 === this.#blocks ? 0 : this.#block + 1
    }
    return drained
  }

  #deliver(sink: FrameSink, base: number): void {
    const words = this.#words
    const view = this.#view
    const packets = words[(base >> 2) + BLOCK_PACKETS] as number
    let frame = base + (words[(base >> 2) + BLOCK_FIRST] as number)
    let told = 0
    for (let left = packets; left > 0; left--) {
      if (told === 0) told = this.#tellAhead(sink, frame, left)
      told--
      const word = frame >> 2
      const seconds = (words[word + FRAME_SECONDS] as number) >>> 0
      const tagged = ((words[word + FRAME_STATUS] as number) & TP_STATUS_VLAN_VALID) !== 0
      sink.frame(
        view,
        frame + ((words[word + FRAME_MAC] as number) & 0xffff),
        words[word + FRAME_CAPTURED] as number,
        words[word + FRAME_LENGTH] as number,
        seconds * 1_000 + (words[word + FRAME_NANOSECONDS] as number) / 1_000_000,
        this.#linkType,
        this.#interfaceIndex,
        tagged ? (words[word + FRAME_VLAN] as number) & VLAN_ID : 0,
      )
      frame += words[word + FRAME_NEXT] as number
    }
  }

  /** Tells of the next of the `left` frames of a block; answers of how many. */
  #tellAhead(sink: FrameSink, first: number, left: number): number {
    const [words, ahead] = [this.#words, this.#ahead]
    ahead.count = Math.min(left, MOST_FRAMES_AHEAD)
    let frame = first
    for (let at = 0; at < ahead.count; at++) {
      const word = frame >> 2
      ahead.offsets[at] = frame + ((words[word + FRAME_MAC] as number) & 0xffff)
      ahead.captured[at] = words[word + FRAME_CAPTURED] as number
      frame += words[word + FRAME_NEXT] as number
    }
    sink.ahead?.(this.#view, ahead, this.#linkType)
    return ahead.count
  }

  /** Packets that the kernel put into the ring and those that found it full, since the ring was opened. */
  counts(): SourceCounts {
    if (!this.#closed) this.#readStatistics()
    return { received: this.#received, dropped: this.#dropped }
  }

  /** Reading clears the kernel's counts; its total includes what it dropped (packet(7)). */
  #readStatistics(): void {
    getSocketOption(this.#fd, SOL_PACKET, PACKET_STATISTICS, this.#statistics)
    const view = new DataView(this.#statistics.buffer)
    const dropped = view.getUint32(4, true)
    this.#received += view.getUint32(0, true) - dropped
    this.#dropped += dropped
  }

  /** Gives the memory back. The last counts stay readable. */
  close(): void {
    if (this.#closed) return
    this.#readStatistics()
    this.#closed = true
    this.#watch?.close()
    this.#memory.release()
    closeFd(this.#fd)
  }
}

/** struct tpacket_req3. */
function mapRing(fd: number, blocks: number): SharedMapping {
  const slots = (BLOCK_BYTES / FRAME_SLOT_BYTES) * blocks
  const request = new Uint32Array([BLOCK_BYTES, blocks, FRAME_SLOT_BYTES, slots, RETIRE_MS, 0, 0])
  setSocketOption(fd, SOL_PACKET, PACKET_RX_RING, new Uint8Array(request.buffer))
  return mapShared(fd, BLOCK_BYTES * blocks)
}

/** The classic BPF program `ret #bytes`: every frame passes, cut to that length. */
function cutFramesAt(fd: number, bytes: number): void {
  const program = new Uint8Array(8)
  const instruction = new DataView(program.buffer)
  instruction.setUint16(0, 0x06, true)
  instruction.setUint32(4, bytes, true)
  const descriptor = new Uint8Array(16)
  const head = new DataView(descriptor.buffer)
  head.setUint16(0, 1, true)
  head.setBigUint64(8, addressOf(program), true)
  setSocketOption(fd, SOL_SOCKET, SO_ATTACH_FILTER, descriptor)
  // The descriptor holds only the address: the program must still be alive here.
  if (program.length === 0) throw new KernelError('setsockopt', 0)
}

/** struct sockaddr_ll: the protocol is big-endian. */
function linkAddress(index: number): Uint8Array {
  const address = new Uint8Array(20)
  const view = new DataView(address.buffer)
  view.setUint16(0, AF_PACKET, true)
  view.setUint16(2, ETH_P_ALL)
  view.setInt32(4, index, true)
  return address
}
