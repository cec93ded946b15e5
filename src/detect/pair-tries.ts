/** Hot: runs per packet of a rare kind. Allocates nothing unless it reports. */
import type { Ip } from '#model/address.ts'
import type { SamplePacket } from '#model/finding.ts'
import type { Hosts } from '#model/host.ts'
import type { Packet } from '#model/packet.ts'
import { Attempts } from './attempts.ts'
import { Companies } from './company.ts'
import type { ReportedFinding, WatchContext } from './detector.ts'
import { duration, rateOf } from './evidence.ts'
import { identityOf } from './host-rows.ts'
import { goesOn, type Limits, SPOKE, spoke } from './limits.ts'

const ROWS = 1_024

/** What one source did to one target. */
export interface PairStory {
  readonly subject: Ip
  readonly victim: Ip
  /** Different things that were tried, and the latest of them in the order they came. */
  readonly count: number
  readonly things: readonly number[]
  /** For a sentence, such as `in 3 s`. */
  readonly within: string
  /** What was given to `try` with the first of them. */
  readonly mark: number
}

/** What a detector says of it. `what` is what was done, and to whom, for a sentence about several sources. */
export interface Telling
  extends Pick<ReportedFinding, 'kind' | 'confidence' | 'summary' | 'key' | 'because'> {
  readonly what: string
  readonly ports?: readonly number[]
}

interface PairOptions {
  /** Different things from which on it is a story. */
  readonly limit: number
  readonly windowMs: number
  /** Bits of a mark that are gathered for `isEnough`, which is false while something else is missing. */
  signOf?(mark: number): number
  isEnough?(signs: number): boolean
  sampleOf(thing: number, mark: number): Pick<SamplePacket, 'protocol' | 'targetPort' | 'tcpFlags'>
  tell(story: PairStory): Telling
}

/**
 * Scans of one target by packets that are rare: each different one is evidence by itself, until it is answered. A row is
 * a source and its target.
 */
export class PairTries {
  readonly #context: WatchContext
  readonly #hosts: Hosts
  readonly #options: PairOptions
  readonly #limits: Limits
  readonly #attempts: Attempts
  readonly #companies: Companies
  /** Whom the numbers of a row stood for when it was made. */
  readonly #identities = new Int32Array(ROWS)
  readonly #signs = new Uint8Array(ROWS)

  constructor(context: WatchContext, options: PairOptions) {
    const { limit, windowMs } = options
    this.#context = context
    this.#hosts = context.hosts
    this.#options = options
    this.#limits = { refused: limit, silent: 1, pending: Number.POSITIVE_INFINITY, windowMs, silentMs: 0 }
    this.#attempts = new Attempts(ROWS, windowMs)
    this.#companies = new Companies(context, {
      attempts: this.#attempts,
      // No two honest hosts happen upon the same rare packet together.
      leastShared: 1,
      hostOf: (row) => this.#hostOf(row),
    })
  }

  /** The packet tried a thing. `mark` is a byte that the story is told from. */
  try(packet: Packet, thing: number, mark: number): void {
    if (packet.source < 0 || packet.target < 0) return
    const attempts = this.#attempts
    const row = this.#claim(packet.source, packet.target, packet.at)
    if (row < 0) return
    this.#context.link.probe(packet)
    if (!attempts.refuse(row, thing, packet.at)) return
    attempts.samples.keep(row, packet.at, thing, packet.sourcePort, mark, packet.length)
    this.#signs[row] = (this.#signs[row] as number) | (this.#options.signOf?.(mark) ?? 0)
    const reason = spoke(attempts, row, this.#limits, packet.at)
    if (reason === SPOKE.nothing && !goesOn(attempts, row, packet.at)) return
    if (this.#options.isEnough?.(this.#signs[row] as number) ?? true) this.#report(row, reason, packet.at)
  }

  /** The target took it: this thing is no evidence against that source. */
  answered(source: number, target: number, thing: number): void {
    const row = this.#attempts.find(source, target)
    if (row >= 0 && this.#hostOf(row) >= 0) this.#attempts.answer(row, thing)
  }

  #claim(source: number, target: number, now: number): number {
    const attempts = this.#attempts
    const identity = this.#identify(source, target)
    const known = attempts.find(source, target)
    // A number of a host that was forgotten may be another's now.
    if (known >= 0 && this.#identities[known] !== identity) attempts.forget(known)
    const row = attempts.claim(source, target, now)
    if (row < 0) return -1
    this.#identities[row] = identity
    if (attempts.tries[row] === 0) this.#signs[row] = 0
    return row
  }

  #hostOf(row: number): number {
    const source = this.#attempts.who[row] as number
    if (source < 0) return -1
    const identity = this.#identify(source, this.#attempts.what[row] as number)
    return this.#identities[row] === identity ? source : -1
  }

  #identify(source: number, target: number): number {
    return identityOf(this.#hosts, source) ^ Math.imul(identityOf(this.#hosts, target), 0x27d4eb2f)
  }

  #report(row: number, reason: number, now: number): void {
    const { row: teller, company } = this.#companies.tell(row, reason, now)
    const attempts = this.#attempts
    const [subject, victim] = [attempts.who, attempts.what].map((column) =>
      this.#hosts.address(column[teller] as number),
    ) as [Ip, Ip]
    const [firstAt, lastAt] = [attempts.firstAt[teller] as number, attempts.lastAt[teller] as number]
    // Another name of his may be a try ahead.
    const count = Math.max(attempts.distinct(row), attempts.distinct(teller))
    const samples = attempts.samples.of(teller)
    const { what, ports, ...told } = this.#options.tell({
      ...{ subject, victim, count, things: attempts.things(teller), mark: samples[0]?.flags ?? 0 },
      within: duration(lastAt - firstAt),
    })
    const evidence: ReportedFinding['evidence'] = {
      ...{ firstAt, lastAt, count, ratePerSecond: rateOf(count, lastAt - firstAt) },
      ...(ports && { ports }),
      samples: samples.map(({ at, thing, sourcePort, flags, length }) => ({
        ...{ at, source: subject, sourcePort, target: victim, length },
        ...this.#options.sampleOf(thing, flags),
      })),
    }
    const finding: ReportedFinding = {
      ...{ ...told, severity: 'high', at: now, subject, victim, spoofable: true, evidence },
    }
    this.#companies.report(finding, company, what)
  }
}
