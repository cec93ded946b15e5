/** Hot: runs per packet. Allocates nothing but for a section, an interface or an error. */

import type { CapturedInterface, FrameSink } from '#capture/source.ts'
import {
  type CaptureFormat,
  canonicalLinkType,
  MAX_FRAME_BYTES,
  MAX_RECORD_BYTES,
  plausibleTime,
  requireLinkType,
} from './capture-format.ts'

/** Block types and options (draft-ietf-opsawg-pcapng). */
const SECTION_HEADER = 0x0a0d0d0a
const INTERFACE = 1
const OLD_PACKET = 2
const SIMPLE_PACKET = 3
const ENHANCED_PACKET = 6
const BYTE_ORDER_MAGIC = 0x1a2b3c4d
const OPTION_NAME = 2
const OPTION_RESOLUTION = 9
const OPTION_OFFSET = 14

/** Type, length, and the length again at the end. */
const MIN_BLOCK_BYTES = 12

/** Bytes of the fixed part of a block that we read, 0 for one that we skip. */
function fixedBytes(type: number): number {
  if (type === ENHANCED_PACKET || type === OLD_PACKET) return 32
  if (type === SIMPLE_PACKET) return 16
  if (type === INTERFACE) return 20
  return type === SECTION_HEADER ? 28 : 0
}

/** A file may declare as many interfaces as it likes: so many are kept. */
const MAX_INTERFACES = 1_024
const MAX_NAME_LENGTH = 64

/** An interface of the current section. */
interface Declared {
  /** Its place in `interfaces`. */
  readonly index: number
  readonly linkType: number
  readonly snapBytes: number
  /** Ticks of its clock in a millisecond. */
  readonly ticksPerMs: number
  readonly offsetMs: number
}

/** True when the four bytes at `at` open a pcapng file: a palindrome, so in either byte order. */
export const opensPcapng = (view: DataView, at: number): boolean =>
  view.getUint32(at, true) === SECTION_HEADER

/** The block format of Wireshark: sections of either byte order, interfaces with clocks of their own. */
export class Pcapng implements CaptureFormat {
  readonly interfaces: CapturedInterface[] = []
  packets = 0
  damage: string | undefined
  readonly #path: string
  readonly #sink: FrameSink
  #littleEndian = true
  #declared: Declared[] = []
  /** A simple packet has no time of its own: it gets that of the packet before it. */
  #lastAt = 0

  constructor(path: string, sink: FrameSink) {
    this.#path = path
    this.#sink = sink
  }

  consume(view: DataView, start: number, end: number): number {
    let at = start
    while (end - at >= MIN_BLOCK_BYTES) {
      const length = this.#blockAt(view, at, end)
      // What reaches beyond the window is skipped from its beginning, so that the reader knows where it began.
      if (length === 0 || (length > end - at && at > start)) break
      at += length
    }
    return at
  }

  /** Reads or skips the block at `at` and answers its length; 0 when it is not whole yet or damaged. */
  #blockAt(view: DataView, at: number, end: number): number {
    const type = view.getUint32(at, this.#littleEndian)
    if (type === SECTION_HEADER && !this.#turnTo(view, at)) return 0
    const length = view.getUint32(at + 4, this.#littleEndian)
    const fixed = fixedBytes(type)
    if (!isPlausible(length, fixed)) {
      this.#refuse(`a block of type ${type} claims ${length} bytes`)
      return 0
    }
    if (fixed === 0) return length
    if (length > end - at) return 0
    this.#read(type, view, at, at + length - 4)
    return this.damage === undefined ? length : 0
  }

  #refuse(damage: string): void {
    this.damage = `${damage} (after ${this.packets} packets)`
  }

  /** A section says its byte order by itself, and the length of its header is written in that order. */
  #turnTo(view: DataView, at: number): boolean {
    const isLittle = view.getUint32(at + 8, true) === BYTE_ORDER_MAGIC
    if (!isLittle && view.getUint32(at + 8, false) !== BYTE_ORDER_MAGIC) {
      this.#refuse('a section has no byte order mark')
      return false
    }
    this.#littleEndian = isLittle
    return true
  }

  /** `end` is where the block repeats its length. */
  #read(type: number, view: DataView, at: number, end: number): void {
    const length = end + 4 - at
    if (view.getUint32(end, this.#littleEndian) !== length) {
      this.#refuse(`a block of ${length} bytes does not end with that length`)
    } else if (type === ENHANCED_PACKET) {
      this.#packet(view, at, end, view.getUint32(at + 8, this.#littleEndian))
    } else if (type === OLD_PACKET) {
      this.#packet(view, at, end, view.getUint16(at + 8, this.#littleEndian))
    } else if (type === SIMPLE_PACKET) this.#simplePacket(view, at, end)
    else if (type === INTERFACE) this.#interface(view, at, end)
    else this.#declared = []
  }

  /** Both kinds of packet block: interface, time (high, low), captured, length; they differ in the width of the first. */
  #packet(view: DataView, at: number, end: number, interfaceId: number): void {
    const ticks =
      view.getUint32(at + 12, this.#littleEndian) * 0x1_0000_0000 +
      view.getUint32(at + 16, this.#littleEndian)
    const captured = view.getUint32(at + 20, this.#littleEndian)
    const length = view.getUint32(at + 24, this.#littleEndian)
    const declared = this.#declared[interfaceId]
    if (declared === undefined) {
      this.#refuse(`a packet names interface ${interfaceId}, which the file does not declare`)
      return
    }
    this.#lastAt = plausibleTime(ticks / declared.ticksPerMs + declared.offsetMs)
    this.#deliver(view, at + 28, end, captured, length, declared)
  }

  #simplePacket(view: DataView, at: number, end: number): void {
    const declared = this.#declared[0]
    if (declared === undefined) {
      this.#refuse('a packet comes before the first interface')
      return
    }
    const length = view.getUint32(at + 8, this.#littleEndian)
    const snapBytes = declared.snapBytes === 0 ? length : declared.snapBytes
    this.#deliver(view, at + 12, end, Math.min(length, snapBytes, end - at - 12), length, declared)
  }

  /** Hot: six numbers instead of an object per packet. */
  #deliver(
    view: DataView,
    frame: number,
    end: number,
    captured: number,
    length: number,
    declared: Declared,
  ): void {
    if (captured > MAX_FRAME_BYTES || captured > end - frame) {
      this.#refuse(`packet ${this.packets + 1} claims ${captured} bytes in a block of ${end - frame}`)
      return
    }
    requireLinkType(this.#path, declared.linkType)
    this.packets++
    const onWire = Math.max(captured, length)
    this.#sink.frame(view, frame, captured, onWire, this.#lastAt, declared.linkType, declared.index, 0)
  }

  #interface(view: DataView, at: number, end: number): void {
    const linkType = canonicalLinkType(view.getUint16(at + 8, this.#littleEndian))
    const options = readInterfaceOptions(view, at + 16, end, this.#littleEndian)
    const name = options.name || `if${this.#declared.length}`
    const index = this.#placeOf(name, linkType)
    if (index === undefined || this.#declared.length >= MAX_INTERFACES) {
      this.#refuse(`the file declares more than ${MAX_INTERFACES} interfaces`)
      return
    }
    this.#declared.push({
      index,
      linkType,
      snapBytes: view.getUint32(at + 12, this.#littleEndian),
      ticksPerMs: options.ticksPerMs,
      offsetMs: options.offsetMs,
    })
  }

  /** The same interface in a later section, as joined files have it, keeps its place. */
  #placeOf(name: string, linkType: number): number | undefined {
    const known = this.interfaces.findIndex((other) => other.name === name && other.linkType === linkType)
    if (known >= 0) return known
    if (this.interfaces.length >= MAX_INTERFACES) return undefined
    return this.interfaces.push({ name, linkType }) - 1
  }
}

interface InterfaceOptions {
  name?: string
  ticksPerMs: number
  offsetMs: number
}

function readInterfaceOptions(
  view: DataView,
  start: number,
  end: number,
  littleEndian: boolean,
): InterfaceOptions {
  const options: InterfaceOptions = { ticksPerMs: 1_000, offsetMs: 0 }
  for (let at = start; at + 4 <= end; ) {
    const code = view.getUint16(at, littleEndian)
    const length = view.getUint16(at + 2, littleEndian)
    const value = at + 4
    if (code === 0 || value + length > end) break
    if (code === OPTION_NAME) options.name = readName(view, value, length)
    if (code === OPTION_RESOLUTION && length === 1) options.ticksPerMs = ticksPerMsOf(view.getUint8(value))
    if (code === OPTION_OFFSET && length === 8) {
      options.offsetMs = Number(view.getBigInt64(value, littleEndian)) * 1_000
    }
    at = value + ((length + 3) & ~3)
  }
  return options
}

/** The name is the file's own: it may hold anything, so that only what can be printed is kept. */
function readName(view: DataView, start: number, length: number): string {
  const bytes = new Uint8Array(view.buffer, view.byteOffset + start, length)
  const printable = new TextDecoder().decode(bytes).replace(/[\p{C}\p{Z}]/gu, '')
  return printable.slice(0, MAX_NAME_LENGTH)
}

/** Lengths are multiples of four; a block that we read has its fixed part and fits into the reader's window. */
const isPlausible = (length: number, fixed: number): boolean =>
  length % 4 === 0 &&
  length >= Math.max(fixed, MIN_BLOCK_BYTES) &&
  (fixed === 0 || length <= MAX_RECORD_BYTES)

/** if_tsresol: the top bit chooses powers of 2 over powers of 10, the rest is the negative exponent of a second. */
const ticksPerMsOf = (resolution: number): number =>
  (resolution & 0x80 ? 2 : 10) ** (resolution & 0x7f) / 1_000
