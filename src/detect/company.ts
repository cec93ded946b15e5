import type { Ip } from '#model/address.ts'
import type { Attempts } from './attempts.ts'
import { blamingNobody } from './borrowed-names.ts'
import type { ReportedFinding, WatchContext } from './detector.ts'

/**
 * A scanner sends the packets of all his names within a millisecond, on a machine at rest. On a busy one he is made to wait between
 * two of them, for tenths of a second; whoever begins a second after another is somebody else.
 */
const IN_STEP_MS = 600
/** So much of the shorter list must be in step. */
const SHARED = 0.6
/** And so many tries at least: two honest hosts may well fail at the same two ports of a service that is down. */
const LEAST_SHARED = 3
/** Members of a company, and how many rows are held against one to find them. */
const MOST_ROWS = 32
const MOST_COMPARED = 128
/** An attacker with many names must not keep us comparing: beyond this each is told of by itself. */
const MOST_SEARCHES_PER_SECOND = 200

/** Several sources that try the same things at the same moments: one scanner, and names that he made up (nmap -D). */
export interface Company {
  /** Its addresses, as far as the table of hosts still has them. */
  readonly names: readonly Ip[]
  /** Of these the one whom the link proves to be the sender of all. */
  readonly scanner?: Ip
}

/** For rows that are told from `limit` tries on: the first name that is one too many is a try ahead of the others. */
export const leastSharedOf = (limit: number): number => Math.max(1, Math.min(LEAST_SHARED, limit - 1))

/** Whom to tell of: the row of the one who is proven to have sent it, else the one that was asked about. */
export interface Told {
  readonly row: number
  /** Absent: it is alone. */
  readonly company?: Company
}

/** The rows of one detector. */
interface Rows {
  readonly attempts: Attempts
  /** So many tries in step make a company. */
  readonly leastShared: number
  /** The host that a row is about; -1 when it was forgotten. */
  hostOf(row: number): number
}

/** Finds who keeps a row of attempts company: the one place that says whom a scan is blamed on. */
export class Companies {
  readonly #context: WatchContext
  readonly #attempts: Attempts
  readonly #rows: Rows
  #second = 0
  #searches = 0

  constructor(context: WatchContext, rows: Rows) {
    this.#context = context
    this.#attempts = rows.attempts
    this.#rows = rows
  }

  /** Notes that a row is told of, `reason` as in SPOKE, and says as whose. For reports: allocates. */
  tell(row: number, reason: number, now: number): Told {
    this.#attempts.tell(row, reason, now)
    const members = this.#membersOf(row, now)
    if (members.length === 1) return { row }
    const names = members.map((member) => this.#nameOf(member))
    const sender = this.#senderOf(members) ?? this.#knownOf(members, now)
    if (sender === undefined) return { row, company: { names } }
    if (sender !== row) this.#attempts.tell(sender, reason, now)
    return { row: sender, company: { names, scanner: this.#nameOf(sender) } }
  }

  /**
   * Reports the finding about a row that was told: of the scanner where the link gives him away, else of the victim
   * alone, for each of the names may be a stranger. `what` is what each of them did, and to whom.
   */
  report(finding: ReportedFinding, company: Company | undefined, what: string): void {
    const victim = finding.victim ?? finding.evidence.hosts?.[0]
    if (company === undefined || victim === undefined) {
      this.#context.report(this.#context.borrowed.toldOfTries(finding))
      return
    }
    this.#context.borrowed.lend({ ...company, victim, at: finding.at })
    this.#context.report(amongOthers(finding, company, { victim, what }))
  }

  /** The row and all that keep it company. An honest client may be among them: his name serves as well as any. */
  #membersOf(row: number, now: number): number[] {
    const members = [row]
    if (this.#rows.hostOf(row) < 0 || !this.#maySearch(now)) return members
    let compared = 0
    for (let other = 0; other < this.#attempts.capacity; other++) {
      if (!this.#isComparable(row, other)) continue
      if (this.#isInStep(row, other) || this.#areTwins(row, other, now)) members.push(other)
      if (++compared >= MOST_COMPARED || members.length >= MOST_ROWS) break
    }
    return members
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
    if (what[other] !== what[row] || other === row || (who[other] as number) < 0) return false
    return this.#rows.hostOf(other) >= 0
  }

  #isInStep(row: number, other: number): boolean {
    const attempts = this.#attempts
    const least = this.#rows.leastShared
    const shorter = Math.min(attempts.tries[row] as number, attempts.tries[other] as number)
    if (shorter < least) return false
    const shared = attempts.inStep(row, other, IN_STEP_MS)
    return shared >= least && shared >= shorter * SHARED
  }

  #areTwins(row: number, other: number, now: number): boolean {
    return this.#context.link.areTwins(this.#rows.hostOf(row), this.#rows.hostOf(other), now)
  }

  /**
   * Most came with one MAC, and that MAC is one of theirs. Not all: who really lives at a borrowed address may have
   * sent the last packet in its name.
   */
  #senderOf(members: readonly number[]): number | undefined {
    const { link } = this.#context
    const hosts = members.map((member) => this.#rows.hostOf(member))
    const isSender = (host: number): boolean =>
      link.isOwn(host) && hosts.filter((other) => link.isSame(host, other)).length * 2 > members.length
    const senders = members.filter((_, at) => isSender(hosts[at] as number))
    return senders.length === 1 ? senders[0] : undefined
  }

  /** Another scanner may have used the same names since: their packets come with his MAC now. */
  #knownOf(members: readonly number[], now: number): number | undefined {
    const known = members.filter((member) => this.#context.borrowed.isScanner(this.#nameOf(member), now))
    return known.length === 1 ? known[0] : undefined
  }

  #nameOf(row: number): Ip {
    return this.#context.hosts.address(this.#rows.hostOf(row))
  }
}

function amongOthers(
  finding: ReportedFinding,
  { names, scanner }: Company,
  { victim, what }: { victim: Ip; what: string },
): ReportedFinding {
  if (scanner === undefined) {
    const summary = `${names.length} addresses ${what} in step (${finding.kind}): one scanner, and decoys that he made up`
    return blamingNobody(finding, { victim, names, summary })
  }
  const decoys = names.filter((name) => name !== scanner).join(', ')
  return { ...finding, summary: `${finding.summary}, behind the decoys ${decoys}` }
}
