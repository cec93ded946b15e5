import type { Ip } from '#model/address.ts'
import type { Hosts } from '#model/host.ts'
import type { Packet } from '#model/packet.ts'
import type { Attempts } from './attempts.ts'
import { blamingNobody, IN_STEP_MS } from './borrowed-names.ts'
import type { ReportedFinding } from './detector.ts'
import type { HostNotes } from './host-notes.ts'
import { LinkSenders } from './link-senders.ts'

/** So much of the shorter list must be in step, and so many things at least. */
const SHARED = 0.6
const LEAST_SHARED = 3
/** Members of a company, and how many rows are held against one to find them. */
const MOST_ROWS = 32
const MOST_COMPARED = 128
/** An attacker with many names must not keep us comparing: beyond this each is told of by itself. */
const MOST_SEARCHES_PER_SECOND = 200

/** Several sources that try the same things at the same moments: one scanner, and names that he made up (nmap -D). */
export interface Company {
  /** Rows of attempts, the one that was asked about first. */
  readonly rows: readonly number[]
  /** Of these the one whom the link proves to be the sender of all. */
  readonly scanner?: number
}

/** Finds the company of a row of attempts. What it learns per packet costs no memory. */
export class Companies {
  readonly #hosts: Hosts
  readonly #attempts: Attempts
  readonly #notes: HostNotes
  readonly #senders: LinkSenders
  #second = 0
  #searches = 0

  constructor(hosts: Hosts, attempts: Attempts, notes: HostNotes) {
    this.#hosts = hosts
    this.#attempts = attempts
    this.#notes = notes
    this.#senders = new LinkSenders(hosts)
  }

  probe(packet: Packet): void {
    this.#senders.probe(packet)
  }

  arp(packet: Packet): void {
    this.#senders.arp(packet)
  }

  proven(packet: Packet): void {
    this.#senders.proven(packet)
  }

  /** Undefined: it is alone. An honest client may be among them: his name serves as well as any. For reports. */
  of(row: number, now: number): Company | undefined {
    if (!this.#maySearch(now)) return undefined
    const rows = [row]
    let compared = 0
    for (let other = 0; other < this.#attempts.capacity; other++) {
      if (!this.#isComparable(row, other)) continue
      if (this.#isInStep(row, other)) rows.push(other)
      if (++compared >= MOST_COMPARED || rows.length >= MOST_ROWS) break
    }
    if (rows.length === 1) return undefined
    const scanner = this.#scannerOf(rows)
    return { rows, ...(scanner !== undefined && { scanner }) }
  }

  /** Addresses of a company, as far as the table of hosts still has them. */
  named(rows: readonly number[]): Ip[] {
    return rows
      .map((row) => this.#hostOf(row))
      .flatMap((host) => (host < 0 ? [] : [this.#hosts.address(host)]))
  }

  #maySearch(now: number): boolean {
    const second = Math.floor(now / 1000)
    if (second !== this.#second) this.#searches = 0
    this.#second = second
    return this.#searches++ < MOST_SEARCHES_PER_SECOND
  }

  /** Another source that tries the same kind of thing. */
  #isComparable(row: number, other: number): boolean {
    const { what, who } = this.#attempts
    return what[other] === what[row] && other !== row && (who[other] as number) >= 0
  }

  #isInStep(row: number, other: number): boolean {
    const attempts = this.#attempts
    const shorter = Math.min(attempts.tries[row] as number, attempts.tries[other] as number)
    if (shorter < LEAST_SHARED) return false
    const shared = attempts.inStep(row, other, IN_STEP_MS)
    return shared >= LEAST_SHARED && shared >= shorter * SHARED
  }

  /**
   * Most came with one MAC, and ARP gives that MAC to one of them. Not all: who really lives at a borrowed address may
   * have sent the last packet in its name.
   */
  #scannerOf(rows: readonly number[]): number | undefined {
    const hosts = rows.map((row) => this.#hostOf(row))
    const isSender = (host: number): boolean =>
      host >= 0 &&
      this.#senders.isOwn(host) &&
      hosts.filter((other) => other >= 0 && this.#senders.isSame(host, other)).length * 2 > rows.length
    const senders = rows.filter((_, at) => isSender(hosts[at] as number))
    return senders.length === 1 ? senders[0] : undefined
  }

  #hostOf(row: number): number {
    return this.#notes.hostOf(this.#attempts.who[row] as number)
  }
}

/**
 * The finding about one row, told as that of its company: of the scanner where the link gives him away, else of the
 * victim alone, for each of them may be a stranger.
 */
export function amongOthers(
  finding: ReportedFinding,
  company: Company,
  names: readonly Ip[],
): ReportedFinding {
  const sources = company.rows.length
  if (company.scanner !== undefined) {
    const decoys = names.filter((name) => name !== finding.subject).join(', ')
    return { ...finding, summary: `${finding.summary}, behind the decoys ${decoys}` }
  }
  const victim = finding.victim ?? finding.evidence.hosts?.[0]
  if (victim === undefined) return finding
  const { count, ports } = finding.evidence
  const what = finding.victim
    ? `tried ${count} ports of ${victim}`
    : `tried port ${ports?.[0]} of ${count} hosts`
  return blamingNobody(finding, { victim, what, names, sources })
}
