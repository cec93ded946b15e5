/** Hot: runs per flow. Allocates nothing. */
import type { Packet } from '#model/packet.ts'
import { identityOfReceiver, identityOfSender } from './host-rows.ts'

const PLACES = 1_024
/** A scanner goes from name to name within a millisecond; on a busy machine he is made to wait. */
const TOGETHER_MS = 600
const REMEMBERED_MS = 1_200_000

/**
 * Sources that sent TCP packets with the same source port and sequence number to the same target at the same time: one
 * sender in several names (nmap -D numbers them all alike). A real stack draws those numbers by lot (RFC 9293 §3.4.1,
 * RFC 6056). All with one MAC: a packet that is seen before and behind a gateway that rewrites its source (NAT) is no
 * twin of itself. Sources are identities of hosts.
 */
export class Twins {
  readonly #sequence = new Int32Array(PLACES)
  readonly #port = new Uint16Array(PLACES)
  readonly #target = new Int32Array(PLACES)
  readonly #macHigh = new Uint16Array(PLACES)
  readonly #macLow = new Int32Array(PLACES)
  readonly #sender = new Int32Array(PLACES)
  readonly #sentAt = new Float64Array(PLACES).fill(Number.NEGATIVE_INFINITY)
  /** Who has a twin, in which family, and since when it is known. */
  readonly #member = new Int32Array(PLACES)
  readonly #family = new Int32Array(PLACES)
  readonly #joinedAt = new Float64Array(PLACES).fill(Number.NEGATIVE_INFINITY)
  #families = 0

  /** Notes how the first TCP packet of a flow was numbered, and with which MAC it came. */
  opened(packet: Packet, macHigh: number, macLow: number): void {
    const { tcpSequence, sourcePort, at } = packet
    const source = identityOfSender(packet)
    const target = identityOfReceiver(packet)
    const place = placeOf(tcpSequence ^ Math.imul(sourcePort, 0x85ebca6b) ^ target)
    const isSame =
      this.#sequence[place] === tcpSequence &&
      this.#port[place] === sourcePort &&
      this.#target[place] === target &&
      this.#macHigh[place] === macHigh &&
      this.#macLow[place] === macLow &&
      at - (this.#sentAt[place] as number) <= TOGETHER_MS
    if (isSame && this.#sender[place] !== source) this.#join(this.#sender[place] as number, source, at)
    this.#sequence[place] = tcpSequence
    this.#port[place] = sourcePort
    this.#target[place] = target
    this.#macHigh[place] = macHigh
    this.#macLow[place] = macLow
    this.#sender[place] = source
    this.#sentAt[place] = at
  }

  /** The number of the family that a source belongs to; 0 for none. */
  familyOf(source: number, now: number): number {
    const place = placeOf(source)
    if (this.#member[place] !== source || now - (this.#joinedAt[place] as number) > REMEMBERED_MS) return 0
    return this.#family[place] as number
  }

  #join(one: number, other: number, now: number): void {
    const known = this.familyOf(one, now) || this.familyOf(other, now)
    if (known === 0) this.#families = (this.#families + 1) & 0x3fffffff
    const family = known || this.#families
    this.#enter(one, family, now)
    this.#enter(other, family, now)
  }

  #enter(source: number, family: number, now: number): void {
    const place = placeOf(source)
    this.#member[place] = source
    this.#family[place] = family
    this.#joinedAt[place] = now
  }
}

const placeOf = (number: number): number =>
  (Math.imul(number ^ (number >>> 15), 0x9e3779b1) >>> 22) & (PLACES - 1)
