/** Hot: runs per flow. Allocates nothing. */
import { bitsOf } from '#lib/bits.ts'
import type { Hosts } from '#model/host.ts'
import { sharesSubnet, subnetHash } from './address-rows.ts'
import { HostRows, identityOf } from './host-rows.ts'

/** Addresses of a /64 that took part, at least, before it is looked at as one source. */
const MANY = 8
/** Three addresses that are told of lead to a block of the /64: so the first three are told soon. */
const TOLD_SOON = 3
const SOON_MS = 500
const NOBODY = -1
const EVERYBODY = -2

/**
 * Rows of who does something at a service: target and port. A source is an address, and of IPv6 also the /64 around it:
 * whoever has one address of it has them all (RFC 6177), and may take a new one for each packet. A row of a /64 speaks
 * only when many of its addresses took part, as else their own rows do; it names the address that came last.
 */
export class SourceRows extends HostRows {
  readonly #hosts: Hosts
  readonly #source: Int32Array
  readonly #identity: Int32Array
  readonly #port: Uint16Array
  readonly #toldAt: Float64Array
  /** Which addresses took part, as bits of their hash. */
  readonly #members: Uint32Array

  constructor(hosts: Hosts, capacity: number, staleMs: number) {
    super(hosts, capacity, staleMs)
    this.#hosts = hosts
    this.#source = new Int32Array(capacity)
    this.#identity = new Int32Array(capacity)
    this.#port = new Uint16Array(capacity)
    this.#toldAt = new Float64Array(capacity)
    this.#members = new Uint32Array(capacity)
  }

  claimAddress(source: number, target: number, port: number, now: number): number {
    return this.#note(this.claim(source, target, port, now), source, port)
  }

  /** -1 for IPv4, and between neighbours: the hosts of one's own link are not one source. */
  claimSubnet(source: number, target: number, port: number, now: number): number {
    if (!this.#isFromElsewhere(source, target)) return NOBODY
    return this.#note(this.claim(target, NOBODY, this.#subnetHash(source, port), now), source, port)
  }

  /** Of all sources together. */
  claimService(target: number, port: number, now: number): number {
    return this.#note(this.claim(target, EVERYBODY, port, now), target, port)
  }

  findAddress(source: number, target: number, port: number): number {
    return this.find(source, target, port)
  }

  findSubnet(source: number, target: number, port: number): number {
    if (!this.#isFromElsewhere(source, target)) return NOBODY
    return this.find(target, NOBODY, this.#subnetHash(source, port))
  }

  /** The address that came last. */
  sourceOf(row: number): number {
    return this.#source[row] as number
  }

  targetOf(row: number): number {
    return this.second(row) < 0 ? this.first(row) : this.second(row)
  }

  portOf(row: number): number {
    return this.#port[row] as number
  }

  isSubnet(row: number): boolean {
    return this.second(row) === NOBODY
  }

  isService(row: number): boolean {
    return this.second(row) === EVERYBODY
  }

  /** False for a /64 of which only few addresses took part, and when the source left the table of hosts. */
  maySpeak(row: number): boolean {
    if (!this.isKnown(row) || identityOf(this.#hosts, this.sourceOf(row)) !== this.#identity[row])
      return false
    return !this.isSubnet(row) || bitsOf(this.#members[row] as number) >= MANY
  }

  override mayTell(row: number, now: number): boolean {
    const times = this.timesTold(row)
    if (!this.isSubnet(row) || times === 0 || times >= TOLD_SOON) return super.mayTell(row, now)
    return now - (this.#toldAt[row] as number) >= SOON_MS
  }

  override tell(row: number, now: number): void {
    super.tell(row, now)
    this.#toldAt[row] = now
  }

  /** What reports call the source: with the other addresses of its /64 where they take part. Allocates. */
  nameOf(row: number): string {
    const address = this.#hosts.address(this.sourceOf(row))
    return this.isSubnet(row) ? `${address}, with other addresses of its /64,` : address
  }

  #note(row: number, source: number, port: number): number {
    if (row < 0) return row
    const identity = identityOf(this.#hosts, source)
    const bit = 1 << (Math.imul(identity ^ (identity >>> 15), 0x9e3779b1) >>> 27)
    this.#members[row] = (this.isFresh ? 0 : (this.#members[row] as number)) | bit
    this.#source[row] = source
    this.#identity[row] = identity
    this.#port[row] = port
    return row
  }

  #isFromElsewhere(source: number, target: number): boolean {
    return this.#hosts.isIpv6(source) && !sharesSubnet(this.#hosts, source, target)
  }

  #subnetHash(source: number, port: number): number {
    return subnetHash(this.#hosts, source) ^ Math.imul(port, 0x9e3779b1)
  }
}
