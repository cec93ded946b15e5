/** Hot: runs per DNS question. Allocates nothing. */
import type { Packet } from '#model/packet.ts'
import { looksGenerated } from './name-shape.ts'

const HEADER = 12
const RESPONSE_BIT = 0x8000
const RCODE = 0x000f
const NXDOMAIN = 3
const LONGEST_NAME = 255
const LONGEST_LABEL = 63
/** `co.uk`, `com.au`: the last two labels together are no longer, and the name proper is the third. */
const SHORT_SUFFIX = 7
const MOST_LABELS = 128
/** Names of block lists hold an address: four numbers (RFC 5782), or as many hexadecimal digits as IPv6 has. */
const NUMBERS = 4
const DIGITS = 32
/** What a label is: part of an address, as a number or a digit, or anything else. */
const LABEL = { number: 0, digit: 1, word: 2 } as const

/**
 * The name that a DNS message asks for (RFC 1035 §4.1), as numbers: its parent is what somebody registered, roughly the
 * last two labels, and what stands before it can carry data, but for an address as block lists take it. One instance,
 * overwritten by each `read`.
 */
export class DnsQuestion {
  /** Bytes of the labels before its parent that can carry data, and their hash. */
  carried = 0
  carriedHash = 0
  /** The type that is asked for (RFC 1035 §3.2.2); 0 when the message is cut short before it. */
  type = 0
  parentHash = 0
  isReverse = false
  #parentStart = 0
  #end = 0
  readonly #starts = new Uint32Array(MOST_LABELS)

  /** False when the packet holds no question, or it is cut short or malformed. */
  read(packet: Packet): boolean {
    return this.#read(packet, 0, RESPONSE_BIT)
  }

  /** The same of an answer that the name does not exist (NXDOMAIN); false for all others. */
  readMissing(packet: Packet): boolean {
    return this.#read(packet, RESPONSE_BIT | NXDOMAIN, RESPONSE_BIT | RCODE)
  }

  /** True when what somebody registered looks made by a machine. */
  isGenerated({ view }: Packet): boolean {
    return looksGenerated(view, this.#parentStart + 1, view.getUint8(this.#parentStart))
  }

  #read(packet: Packet, flags: number, mask: number): boolean {
    const { view, payloadStart: start, payloadEnd: end } = packet
    if (end - start < HEADER + 5 || (view.getUint16(start + 2) & mask) !== flags) return false
    if (view.getUint16(start + 4) === 0) return false
    const labels = this.#readLabels(view, start + HEADER, end)
    if (labels < 2) return false
    this.type = this.#end + 3 <= end ? view.getUint16(this.#end + 1) : 0
    this.#measure(view, labels)
    return true
  }

  /** The parent of the last name that was read, of which `packet` is. What is no letter of host names becomes `?`. */
  parentText({ view }: Packet): string {
    let text = ''
    for (let at = this.#parentStart; at < this.#end; at += view.getUint8(at) + 1) {
      if (text !== '') text += '.'
      for (let index = 1; index <= view.getUint8(at); index++) {
        const letter = String.fromCharCode(view.getUint8(at + index)).toLowerCase()
        text += /[a-z0-9_-]/.test(letter) ? letter : '?'
      }
    }
    return text
  }

  /** Answers how many labels there are; 0 for a name that breaks off, is too long or points elsewhere. */
  #readLabels(view: DataView, first: number, end: number): number {
    let at = first
    for (let count = 0; count < MOST_LABELS; count++) {
      if (at >= end || at - first > LONGEST_NAME) return 0
      const length = view.getUint8(at)
      if (length === 0) {
        this.#end = at
        return count
      }
      if (length > LONGEST_LABEL || at + 1 + length > end) return 0
      this.#starts[count] = at
      at += 1 + length
    }
    return 0
  }

  #measure(view: DataView, labels: number): void {
    const start = (back: number): number => this.#starts[labels - back] as number
    let parent = start(2)
    if (labels > 2 && this.#end - parent - 1 <= SHORT_SUFFIX) parent = start(3)
    this.#parentStart = parent
    this.#readCarried(view, parent)
    this.parentHash = hashOf(view, parent, this.#end)
    this.isReverse = isArpa(view, start(1))
  }

  #readCarried(view: DataView, parent: number): void {
    let [numbers, digits, bytes, hash] = [NUMBERS, DIGITS, 0, FNV_START]
    for (let label = 0; (this.#starts[label] as number) < parent; label++) {
      const at = this.#starts[label] as number
      const length = view.getUint8(at)
      const kind = labelOf(view, at + 1, length)
      if (kind === LABEL.number && numbers-- > 0) continue
      if (kind === LABEL.digit && digits-- > 0) continue
      bytes += length
      hash = hashOn(hash, view, at, at + 1 + length)
    }
    this.carried = bytes
    this.carriedHash = hash
  }
}

const SMALL = 0x20202020
const ARPA = 0x61727061

/** `in-addr.arpa`, `ip6.arpa`: addresses as names. */
const isArpa = (view: DataView, label: number): boolean =>
  view.getUint8(label) === 4 && (view.getInt32(label + 1) | SMALL) === ARPA

function labelOf(view: DataView, start: number, length: number): number {
  if (length > 3) return LABEL.word
  let [decimal, hexadecimal] = [0, 0]
  for (let at = start; at < start + length; at++) {
    const byte = view.getUint8(at)
    if (byte >= 0x30 && byte <= 0x39) decimal++
    else if ((byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x66) hexadecimal++
  }
  if (length === 1) return decimal + hexadecimal === 1 ? LABEL.digit : LABEL.word
  return decimal === length ? LABEL.number : LABEL.word
}

const FNV_START = 0x811c9dc5 | 0

const hashOf = (view: DataView, start: number, end: number): number => hashOn(FNV_START, view, start, end)

/** FNV-1a, with the case folded: resolvers mix it at random. */
function hashOn(before: number, view: DataView, start: number, end: number): number {
  let hash = before
  for (let at = start; at < end; at++) hash = Math.imul(hash ^ (view.getUint8(at) | 0x20), 0x01000193)
  return hash
}
