/** Hot: runs per packet. Allocates nothing. */
import { BitSet } from '#lib/bit-set.ts'
import { ANSWERED_STATE, CLOSING, ESTABLISHED } from './states.ts'

/**
 * One flow is 32 words of 32 bits, or 16 doubles: what each packet touches fills the first 64 bytes, one cache line.
 */
export const SHIFT = 5
/** Addresses: of IPv4 the address, of IPv6 its seeded hash (the hosts prove the rest). */
export const SOURCE_ADDRESS = 0
export const TARGET_ADDRESS = 1
export const PORTS = 2
/** IP version above, protocol below; 0 marks a free record. */
export const KIND = 3
export const SOURCE = 4
export const TARGET = 5
/** Flags forward, backward and of the first packet, 8 bits each, then the state and four marks. */
export const STATUS = 6
/** From here two words each: what the originator sent, then the responder. */
export const PACKETS = 7
export const BYTES = 9
const NEXT_SEQUENCE = 11
export const HASH = 13
/** Doubles: index within 16. */
export const SEEN_AT = 7
export const OPENED_AT = 8
export const SYN_AT = 9
export const HANDSHAKE_MS = 10
export const NUMBER = 11
/** Words again, two each: bytes beyond 32 bits, and retransmits. */
export const BYTES_HIGH = 24
export const RETRANSMITS = 26
export const PLACE = 28

/** malloc hands out large blocks 16 bytes after a page begins: 48 more, and records begin with a cache line. */
const ALIGN = 48
const STATE_SHIFT = 24
const STATE_MASK = 0xf << STATE_SHIFT
/** Marks: its next sequence number is known, forward and backward; flowAnswered, flowRefused were raised. */
export const SEQUENCE_KNOWN = 1 << 28
export const ANSWERED = 1 << 30
export const REFUSED = 1 << 31

/** What is known of each flow, read and written by its id. Finding, adding and removing: flow-table.ts. */
export class FlowColumns {
  readonly capacity: number
  protected readonly words: Int32Array
  protected readonly doubles: Float64Array
  /** Flows whose state gives them no claim to stay when room is needed. */
  readonly #loose: BitSet

  constructor(capacity: number) {
    const buffer = new ArrayBuffer((capacity << (SHIFT + 2)) + ALIGN)
    this.capacity = capacity
    this.words = new Int32Array(buffer, ALIGN)
    this.doubles = new Float64Array(buffer, ALIGN)
    this.#loose = new BitSet(capacity)
  }

  isLive(flow: number): boolean {
    return this.words[(flow << SHIFT) + KIND] !== 0
  }

  source(flow: number): number {
    return this.#word(flow, SOURCE)
  }

  target(flow: number): number {
    return this.#word(flow, TARGET)
  }

  sourcePort(flow: number): number {
    return this.#word(flow, PORTS) >>> 16
  }

  targetPort(flow: number): number {
    return this.#word(flow, PORTS) & 0xffff
  }

  protocol(flow: number): number {
    return this.#word(flow, KIND) & 0xff
  }

  isIpv6(flow: number): boolean {
    return this.#word(flow, KIND) >>> 8 === 6
  }

  state(flow: number): number {
    return (this.#word(flow, STATUS) & STATE_MASK) >>> STATE_SHIFT
  }

  flagsForward(flow: number): number {
    return this.#word(flow, STATUS) & 0xff
  }

  flagsBackward(flow: number): number {
    return (this.#word(flow, STATUS) >>> 8) & 0xff
  }

  firstFlags(flow: number): number {
    return (this.#word(flow, STATUS) >>> 16) & 0xff
  }

  packetsForward(flow: number): number {
    return this.#word(flow, PACKETS) >>> 0
  }

  packetsBackward(flow: number): number {
    return this.#word(flow, PACKETS + 1) >>> 0
  }

  bytesForward(flow: number): number {
    return this.#bytes(flow, 0)
  }

  bytesBackward(flow: number): number {
    return this.#bytes(flow, 1)
  }

  openedAt(flow: number): number {
    return this.#double(flow, OPENED_AT)
  }

  seenAt(flow: number): number {
    return this.#double(flow, SEEN_AT)
  }

  /** When the SYN came; NaN when it was not seen. */
  synAt(flow: number): number {
    return this.#double(flow, SYN_AT)
  }

  /** NaN while the handshake is not over or was not seen whole. */
  handshakeMs(flow: number): number {
    return this.#double(flow, HANDSHAKE_MS)
  }

  /** A running number: the first flow of the engine is 1. */
  number(flow: number): number {
    return this.#double(flow, NUMBER)
  }

  vlan(flow: number): number {
    return this.#word(flow, PLACE) >>> 16
  }

  interfaceIndex(flow: number): number {
    return this.#word(flow, PLACE) & 0xffff
  }

  /** `backward` is 0 for what the originator sent, 1 for the responder. */
  retransmits(flow: number, backward: number): number {
    return this.#word(flow, RETRANSMITS + backward) >>> 0
  }

  nextSequence(flow: number, backward: number): number {
    return this.#word(flow, NEXT_SEQUENCE + backward)
  }

  isMarked(flow: number, mark: number): boolean {
    return (this.#word(flow, STATUS) & mark) !== 0
  }

  setState(flow: number, state: number): void {
    const at = (flow << SHIFT) + STATUS
    this.words[at] = ((this.words[at] as number) & ~STATE_MASK) | (state << STATE_SHIFT)
    if (hasClaim(state)) this.#loose.delete(flow)
    else this.#loose.add(flow)
  }

  /** Flows whose state gives them no claim to stay: nobody answered them, or they are over. */
  get looseCount(): number {
    return this.#loose.count
  }

  isLoose(flow: number): boolean {
    return this.#loose.has(flow)
  }

  /** The first of them from `flow` on, round the table; -1 when there is none. */
  nextLoose(flow: number): number {
    return this.#loose.nextMember(flow)
  }

  /** The record is in use no more. */
  protected clearRecord(flow: number): void {
    this.words[(flow << SHIFT) + KIND] = 0
    this.#loose.delete(flow)
  }

  mark(flow: number, mark: number): void {
    const at = (flow << SHIFT) + STATUS
    this.words[at] = (this.words[at] as number) | mark
  }

  setNextSequence(flow: number, backward: number, sequence: number): void {
    this.words[(flow << SHIFT) + NEXT_SEQUENCE + backward] = sequence
    this.mark(flow, SEQUENCE_KNOWN << backward)
  }

  countRetransmit(flow: number, backward: number): void {
    const at = (flow << SHIFT) + RETRANSMITS + backward
    this.words[at] = (this.words[at] as number) + 1
  }

  setSynAt(flow: number, at: number): void {
    this.doubles[(flow << (SHIFT - 1)) + SYN_AT] = at
  }

  setHandshakeMs(flow: number, ms: number): void {
    this.doubles[(flow << (SHIFT - 1)) + HANDSHAKE_MS] = ms
  }

  setSeenAt(flow: number, at: number): void {
    this.doubles[(flow << (SHIFT - 1)) + SEEN_AT] = at
  }

  #bytes(flow: number, backward: number): number {
    return (
      (this.#word(flow, BYTES_HIGH + backward) >>> 0) * 2 ** 32 + (this.#word(flow, BYTES + backward) >>> 0)
    )
  }

  #word(flow: number, column: number): number {
    return this.words[(flow << SHIFT) + column] as number
  }

  #double(flow: number, column: number): number {
    return this.doubles[(flow << (SHIFT - 1)) + column] as number
  }
}

const hasClaim = (state: number): boolean =>
  state === ESTABLISHED || state === CLOSING || state === ANSWERED_STATE
