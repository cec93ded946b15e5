/** Hot: runs per flow. Allocates nothing. */

import { BitSet } from '#lib/bit-set.ts'
import { formatIpv4, formatIpv6, type Ip } from '#model/address.ts'
import type { Hosts } from '#model/host.ts'
import type { Packet } from '#model/packet.ts'

const WAYS = 4
/** Eight numbers for each row: the four words of its address, its kind, weight, hash. */
const SHIFT = 3
const KIND = 4
const WEIGHT = 5
const FREE = 0
const V4 = 4
const V6 = 6
/** The /64 around an IPv6 address. */
const SUBNET = 64

/**
 * Rows keyed by an address itself, for what takes longer than a host stays in the table of hosts. In sets of four; a
 * full set gives up its row with the least weight.
 */
export class AddressRows {
  readonly capacity: number
  /** After `claim`: the row was made just now. */
  isFresh = false
  readonly #staleMs: number
  readonly #words: Int32Array
  readonly #lastAt: Float64Array
  readonly #mask: number
  /** Sets that were ever claimed from. */
  readonly #usedSets: BitSet

  /** `capacity` rows, a power of two; a row is stale, and its place free, `staleMs` after it was last claimed. */
  constructor(capacity: number, staleMs: number) {
    this.capacity = capacity
    this.#staleMs = staleMs
    this.#words = new Int32Array(capacity << SHIFT)
    this.#lastAt = new Float64Array(capacity)
    this.#mask = capacity / WAYS - 1
    this.#usedSets = new BitSet(capacity / WAYS)
  }

  /** False when no row can be of an address with this hash: who asks is spared the rows. */
  mayHave(hash: number): boolean {
    return this.#usedSets.has(this.#setOf(hash))
  }

  /** The row of a host's address, or -1. */
  find(hosts: Hosts, host: number): number {
    const start = this.#setOf(addressHash(hosts, host)) * WAYS
    const words = this.#words
    const kind = hosts.isIpv6(host) ? V6 : V4
    for (let row = start; row < start + WAYS; row++) {
      const at = row << SHIFT
      if (words[at + KIND] !== kind || words[at] !== hosts.word(host, 0)) continue
      if (kind === V4) return row
      const isSame =
        words[at + 3] === hosts.word(host, 3) &&
        words[at + 2] === hosts.word(host, 2) &&
        words[at + 1] === hosts.word(host, 1)
      if (isSame) return row
    }
    return -1
  }

  /** The row of a host's address, made if need be. */
  claim(hosts: Hosts, host: number, now: number): number {
    const known = this.find(hosts, host)
    this.isFresh = known < 0 || this.#isStale(known, now)
    const row = known < 0 ? this.#claimIn(this.#setOf(addressHash(hosts, host)), now) : known
    this.#lastAt[row] = now
    if (!this.isFresh) return row
    this.#write(row, hosts, host, hosts.isIpv6(host) ? V6 : V4)
    return row
  }

  /** The row of the /64 around an IPv6 address, or -1. */
  findSubnet(hosts: Hosts, host: number): number {
    const start = this.#setOf(subnetHash(hosts, host)) * WAYS
    const words = this.#words
    for (let row = start; row < start + WAYS; row++) {
      const at = row << SHIFT
      if (words[at + KIND] !== SUBNET || words[at] !== hosts.word(host, 0)) continue
      if (words[at + 1] === hosts.word(host, 1)) return row
    }
    return -1
  }

  /** The row of the /64 around an IPv6 address, made if need be; its address is the one that claimed it last. */
  claimSubnet(hosts: Hosts, host: number, now: number): number {
    const known = this.findSubnet(hosts, host)
    this.isFresh = known < 0 || this.#isStale(known, now)
    const row = known < 0 ? this.#claimIn(this.#setOf(subnetHash(hosts, host)), now) : known
    this.#lastAt[row] = now
    this.#write(row, hosts, host, SUBNET)
    return row
  }

  isSubnet(row: number): boolean {
    return this.#words[(row << SHIFT) + KIND] === SUBNET
  }

  setWeight(row: number, weight: number): void {
    this.#words[(row << SHIFT) + WEIGHT] = weight
  }

  /** For reports: allocates. */
  address(row: number): Ip {
    const at = row << SHIFT
    const word = (index: number): number => this.#words[at + index] as number
    return word(KIND) === V4 ? formatIpv4(word(0)) : formatIpv6(word(0), word(1), word(2), word(3))
  }

  #write(row: number, hosts: Hosts, host: number, kind: number): void {
    const at = row << SHIFT
    for (let word = 0; word < 4; word++) this.#words[at + word] = hosts.word(host, word)
    this.#words[at + KIND] = kind
    if (this.isFresh) this.#words[at + WEIGHT] = 0
  }

  #isStale(row: number, now: number): boolean {
    return now - (this.#lastAt[row] as number) > this.#staleMs
  }

  #setOf(addressHash: number): number {
    const hash = Math.imul(addressHash ^ (addressHash >>> 15), 0x2c1b3c6d)
    return (hash ^ (hash >>> 13)) & this.#mask
  }

  #claimIn(set: number, now: number): number {
    this.#usedSets.add(set)
    const start = set * WAYS
    let best = start
    for (let row = start; row < start + WAYS; row++) {
      const at = row << SHIFT
      if (this.#words[at + KIND] === FREE || this.#isStale(row, now)) return row
      if ((this.#words[at + WEIGHT] as number) < (this.#words[(best << SHIFT) + WEIGHT] as number)) best = row
    }
    return best
  }
}

/** A hash of an address that does not depend on its number in the table of hosts. */
export function addressHash(hosts: Hosts, host: number): number {
  return hashOf(hosts.word(host, 0), hosts.word(host, 1), hosts.word(host, 2), hosts.word(host, 3))
}

/** The same of the /64 around an IPv6 address. */
export const subnetHash = (hosts: Hosts, host: number): number =>
  hashOf(hosts.word(host, 0), hosts.word(host, 1), 0, SUBNET)

export const sharesSubnet = (hosts: Hosts, one: number, other: number): boolean =>
  hosts.word(one, 1) === hosts.word(other, 1) && hosts.word(one, 0) === hosts.word(other, 0)

/** The same of the sender of a packet: without a look at the table of hosts. */
export const senderHash = ({ source0, source1, source2, source3 }: Packet): number =>
  hashOf(source0, source1, source2, source3)

export const receiverHash = ({ target0, target1, target2, target3 }: Packet): number =>
  hashOf(target0, target1, target2, target3)

function hashOf(w0: number, w1: number, w2: number, w3: number): number {
  let hash = Math.imul(w0, 0x9e3779b1)
  hash = Math.imul(hash ^ (hash >>> 15) ^ w1, 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13) ^ w2, 0xc2b2ae35)
  return hash ^ (hash >>> 16) ^ Math.imul(w3, 0x27d4eb2f)
}
