/** Hot: runs per packet of a suspected flood. Allocates nothing. */
import type { SamplePacket } from '#model/finding.ts'
import type { Hosts } from '#model/host.ts'
import type { Packet } from '#model/packet.ts'
import { Crowd } from './crowd.ts'
import { HostRows, identityOf } from './host-rows.ts'

const STALE_AFTER_MS = 600_000
/** How fast the usual rate is learned: by a thirtieth of the difference each second. */
const LEARNING = 1 / 30
/** However high the usual rate is, so many times the threshold is a flood. */
const MOST_TOLERATED = 10
/** An attack is over when it stayed below half of its limit for this long. */
const CALM_MS = 10_000

/** A few sources that try ever new ports are a scan: others tell of that. Shares of the packets. */
const SCAN_PORTS = 0.2
const SCAN_SOURCES = 0.1
/** One of them may bring decoys, which try the same ports: each port comes once from each, and once more when it was silent. */
const DECOY_PORTS = 8
const MOST_DECOYS = 16

/** What a second of traffic did to a row. */
export const SURGE = { calm: 0, begins: 1, goesOn: 2, ends: 3 } as const

/**
 * Counts of what comes at a target, per row and second: rate against a threshold and against what is usual for this
 * target, and once it is an attack, all of it until it is over.
 */
export class Surge {
  readonly rows: HostRows
  readonly sources: Crowd
  readonly ports: Crowd
  /** Of this second. `offset` is what turned out to be no part of a flood: handshakes that were completed. */
  readonly packets: Uint32Array
  readonly offset: Uint32Array
  readonly #flows: Uint32Array
  readonly #refusals: Uint32Array
  /** SYNs that no real TCP stack sends. */
  readonly #forged: Uint32Array
  readonly #bytes: Float64Array
  /** Packets a second that are usual. */
  readonly #usual: Float64Array
  /** Of the attack: begin (0: there is none), last second above half of the limit, most in a second, sums. */
  readonly beganAt: Float64Array
  readonly aboveAt: Float64Array
  readonly peak: Float64Array
  readonly #totalPackets: Float64Array
  readonly #totalBytes: Float64Array
  readonly #totalFlows: Float64Array
  readonly #totalRefusals: Float64Array
  readonly #totalForged: Float64Array
  readonly #samples: Sample
  readonly #hosts: Hosts
  readonly #factor: number

  /** `capacity` rows, a power of two; `factor`: how many times the usual rate is a flood. */
  constructor(hosts: Hosts, capacity: number, factor: number) {
    this.#hosts = hosts
    this.#factor = factor
    this.rows = new HostRows(hosts, capacity, STALE_AFTER_MS)
    this.sources = new Crowd(capacity)
    this.ports = new Crowd(capacity)
    this.packets = new Uint32Array(capacity)
    this.offset = new Uint32Array(capacity)
    this.#flows = new Uint32Array(capacity)
    this.#refusals = new Uint32Array(capacity)
    this.#forged = new Uint32Array(capacity)
    this.#bytes = new Float64Array(capacity)
    this.#usual = new Float64Array(capacity)
    this.beganAt = new Float64Array(capacity)
    this.aboveAt = new Float64Array(capacity)
    this.peak = new Float64Array(capacity)
    this.#totalPackets = new Float64Array(capacity)
    this.#totalBytes = new Float64Array(capacity)
    this.#totalFlows = new Float64Array(capacity)
    this.#totalRefusals = new Float64Array(capacity)
    this.#totalForged = new Float64Array(capacity)
    this.#samples = new Sample(capacity)
  }

  /** The row of a target and kind, made if need be; -1 when there is no room. */
  claim(target: number, kind: number, now: number): number {
    const row = this.rows.claim(target, -1, kind, now)
    if (row >= 0 && this.rows.isFresh) {
      this.#clearSecond(row)
      this.#clearAttack(row)
      this.#usual[row] = 0
    }
    return row
  }

  add(row: number, packet: Packet, isNewFlow: boolean): void {
    const { source, targetPort } = packet
    if (this.packets[row] === 0 && this.beganAt[row] === 0) this.#samples.keep(row, packet)
    this.packets[row] = (this.packets[row] as number) + 1
    this.#bytes[row] = (this.#bytes[row] as number) + packet.length
    if (isNewFlow) this.#flows[row] = (this.#flows[row] as number) + 1
    this.sources.add(row, source, source < 0 ? addressOf(packet) : identityOf(this.#hosts, source))
    this.ports.add(row, targetPort, targetPort)
  }

  refuse(row: number): void {
    this.#refusals[row] = (this.#refusals[row] as number) + 1
  }

  forge(row: number): void {
    this.#forged[row] = (this.#forged[row] as number) + 1
  }

  isAttacked(row: number): boolean {
    return this.beganAt[row] !== 0
  }

  /** Packets of this second that nothing speaks for. */
  suspicious(row: number): number {
    return Math.max(0, (this.packets[row] as number) - (this.offset[row] as number))
  }

  /** How many of them in a second make a flood. */
  limit(row: number, threshold: number): number {
    const usual = (this.#usual[row] as number) * this.#factor
    return Math.min(Math.max(threshold, usual), threshold * MOST_TOLERATED)
  }

  begin(row: number, now: number): void {
    this.beganAt[row] = now
    this.aboveAt[row] = now
  }

  /** Ends a second: answers what it means (SURGE), and begins the next. Four plain numbers: hot path. */
  turn(row: number, threshold: number, now: number, elapsedMs: number): number {
    const rate = (this.suspicious(row) * 1000) / elapsedMs
    const limit = this.limit(row, threshold)
    // Most handshakes are completed: a busy service, not a flood.
    const isFlood = rate >= limit && this.suspicious(row) * 2 >= (this.packets[row] as number)
    const before = this.isAttacked(row)
    if (!before && !isFlood) {
      const usual = this.#usual[row] as number
      this.#usual[row] = usual + (rate - usual) * Math.min(1, (LEARNING * elapsedMs) / 1000)
      this.#clearSecond(row)
      this.sources.clear(row)
      this.ports.clear(row)
      return SURGE.calm
    }
    if (!before) this.begin(row, now - elapsedMs)
    if (rate * 2 >= limit) this.aboveAt[row] = now
    this.peak[row] = Math.max(this.peak[row] as number, rate)
    this.#totalPackets[row] = (this.#totalPackets[row] as number) + this.suspicious(row)
    this.#totalBytes[row] = (this.#totalBytes[row] as number) + (this.#bytes[row] as number)
    this.#totalFlows[row] = (this.#totalFlows[row] as number) + (this.#flows[row] as number)
    this.#totalRefusals[row] = (this.#totalRefusals[row] as number) + (this.#refusals[row] as number)
    this.#totalForged[row] = (this.#totalForged[row] as number) + (this.#forged[row] as number)
    this.#clearSecond(row)
    this.rows.touch(row, now)
    if (!before) return SURGE.begins
    return now - (this.aboveAt[row] as number) >= CALM_MS ? SURGE.ends : SURGE.goesOn
  }

  /** All of the attack so far, this second included. For reports: allocates. */
  volume(row: number): SurgeVolume {
    return {
      packets: (this.#totalPackets[row] as number) + this.suspicious(row),
      bytes: (this.#totalBytes[row] as number) + (this.#bytes[row] as number),
      flows: (this.#totalFlows[row] as number) + (this.#flows[row] as number),
      refusals: (this.#totalRefusals[row] as number) + (this.#refusals[row] as number),
      forged: (this.#totalForged[row] as number) + (this.#forged[row] as number),
    }
  }

  /** True when it looks like a few sources that try port after port. */
  isScan(row: number): boolean {
    const packets = (this.#totalPackets[row] as number) + this.suspicious(row)
    const [ports, sources] = [this.ports.distinct(row), this.sources.distinct(row)]
    if (sources >= packets * SCAN_SOURCES) return false
    if (ports >= packets * SCAN_PORTS) return true
    return ports >= DECOY_PORTS && ports * Math.min(sources, MOST_DECOYS) >= packets * SCAN_PORTS
  }

  /** The packet that the attack began with, or none. For reports: allocates. */
  sampleOf(row: number): SamplePacket[] {
    return this.#samples.of(row, this.#hosts)
  }

  /** The attack is over, or was none: the row is as before it. */
  end(row: number): void {
    this.#clearAttack(row)
    this.rows.untell(row)
  }

  #clearSecond(row: number): void {
    this.packets[row] = 0
    this.#bytes[row] = 0
    this.offset[row] = 0
    this.#flows[row] = 0
    this.#refusals[row] = 0
    this.#forged[row] = 0
  }

  #clearAttack(row: number): void {
    this.beganAt[row] = 0
    this.aboveAt[row] = 0
    this.peak[row] = 0
    this.#totalPackets[row] = 0
    this.#totalBytes[row] = 0
    this.#totalFlows[row] = 0
    this.#totalRefusals[row] = 0
    this.#totalForged[row] = 0
    this.sources.clear(row)
    this.ports.clear(row)
  }
}

export interface SurgeVolume {
  readonly packets: number
  readonly bytes: number
  readonly flows: number
  readonly refusals: number
  readonly forged: number
}

/** Of a host that the table refused: its address as one number. */
const addressOf = (packet: Packet): number =>
  packet.source0 ^ packet.source1 ^ Math.imul(packet.source2, 31) ^ packet.source3

/** One packet of each row, as columns. */
class Sample {
  readonly #at: Float64Array
  readonly #source: Int32Array
  readonly #target: Int32Array
  readonly #identity: Int32Array
  readonly #ports: Uint32Array
  readonly #kind: Uint32Array

  constructor(rows: number) {
    this.#at = new Float64Array(rows)
    this.#source = new Int32Array(rows).fill(-1)
    this.#target = new Int32Array(rows)
    this.#identity = new Int32Array(rows)
    this.#ports = new Uint32Array(rows)
    this.#kind = new Uint32Array(rows)
  }

  keep(row: number, packet: Packet): void {
    this.#at[row] = packet.at
    this.#source[row] = packet.source
    this.#target[row] = packet.target
    this.#identity[row] = addressOf(packet)
    this.#ports[row] = (packet.sourcePort << 16) | packet.targetPort
    this.#kind[row] = (packet.protocol << 24) | (packet.tcpFlags << 16) | Math.min(packet.length, 0xffff)
  }

  of(row: number, hosts: Hosts): SamplePacket[] {
    const source = this.#source[row] as number
    if (source < 0) return []
    const [ports, kind] = [this.#ports[row] as number, this.#kind[row] as number]
    const words = [0, 1, 2, 3].map((at) => hosts.word(source, at)) as [number, number, number, number]
    // The host was forgotten, and its number is another's.
    if ((words[0] ^ words[1] ^ Math.imul(words[2], 31) ^ words[3]) !== this.#identity[row]) return []
    return [
      {
        at: this.#at[row] as number,
        source: hosts.address(source),
        sourcePort: ports >>> 16,
        target: hosts.address(this.#target[row] as number),
        targetPort: ports & 0xffff,
        protocol: kind >>> 24,
        tcpFlags: (kind >>> 16) & 0xff,
        length: kind & 0xffff,
      },
    ]
  }
}
