import { RecentMap } from '#lib/recent-map.ts'
import type { Ip } from '#model/address.ts'
import type { LinkSenders } from './link-senders.ts'
import type { ReportedFinding } from './reported-finding.ts'

/** So long a name that was seen in step with others speaks against nobody. */
const LENT_MS = 1_200_000
/** So many of the newest are known for sure. */
const MOST_NAMES = 4_096
/** Techniques of ATT&CK by which detectors call scans: discovery of services and of systems, active scanning. */
const SCANS: ReadonlySet<string> = new Set(['T1046', 'T1018', 'T1595'])

/** Names that one scanner used in step, and who it was where the link proves it. */
interface Loan {
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly names: readonly Ip[]
  readonly victim: Ip
  readonly scanner?: Ip
}

/**
 * Names that scanners borrowed lately (nmap -D), whichever detector found it out. Each detector sees its own part of a
 * scan, and one of them may see a single name: what it then says is said of the scanner, or of nobody.
 */
export class BorrowedNames {
  readonly #link: LinkSenders
  readonly #loans = new RecentMap<Ip, Loan>(2 * MOST_NAMES)
  /** Who was proven to be the scanner, and when. */
  readonly #scanners = new RecentMap<Ip, number>(2 * MOST_NAMES)

  constructor(link: LinkSenders) {
    this.#link = link
  }

  /** Notes a company. `names` are all of it. */
  lend(loan: Loan): void {
    for (const name of loan.names) if (name !== loan.scanner) this.#loans.set(name, loan)
    if (loan.scanner === undefined) return
    this.#loans.delete(loan.scanner)
    this.#scanners.set(loan.scanner, loan.at)
  }

  /** True when this one was proven to scan in several names. */
  isScanner(name: Ip, now: number): boolean {
    return now - (this.#scanners.get(name) ?? Number.NEGATIVE_INFINITY) <= LENT_MS
  }

  /** True when this name is known to be borrowed: what is told of it is told as it must be. */
  isLent(name: Ip, now: number): boolean {
    const loan = this.#loans.get(name)
    return loan !== undefined && now - loan.at <= LENT_MS
  }

  /** The finding as it is told: not of a name that was borrowed, unless something proves that it is the sender's. */
  told(finding: ReportedFinding, technique: string): ReportedFinding {
    return finding.spoofable && SCANS.has(technique) ? this.toldOfTries(finding) : finding
  }

  /** The same where a handshake proves nothing: who works with the victim under that name may be somebody else. */
  toldOfTries(finding: ReportedFinding): ReportedFinding {
    const { subject, victim, at, summary } = finding
    if (finding.blame !== undefined) return finding
    if (this.isScanner(subject, at)) return finding
    const loan = this.#loans.get(subject)
    if (loan !== undefined && this.isLent(subject, at)) return ofLoan(finding, loan)
    // Nobody else of that company did enough yet to be named with it.
    if (victim === undefined || !this.#link.hasTwin(subject, at)) return finding
    const why = `${summary}; somebody sends the same packets in another name too`
    return blamingNobody(finding, { victim, names: [subject], summary: why })
  }
}

function ofLoan(finding: ReportedFinding, loan: Loan): ReportedFinding {
  const { names, scanner } = loan
  if (scanner !== undefined) return inTruthOf(finding, scanner)
  const victim = finding.victim ?? loan.victim
  const summary = `${finding.summary}; one scanner used that name and ${names.length - 1} others in step`
  return blamingNobody(finding, { victim, names, summary })
}

/** What was seen of a borrowed name, told of the scanner. */
const inTruthOf = (finding: ReportedFinding, scanner: Ip): ReportedFinding => ({
  ...finding,
  subject: scanner,
  summary: `${scanner} in the name of ${finding.subject}: ${finding.summary}`,
  key: finding.key.replace(finding.subject, scanner),
})

/** The finding about one of several names, told of the victim alone: each of them may be a stranger. */
export function blamingNobody(
  finding: ReportedFinding,
  { victim, names, summary }: { victim: Ip; names: readonly Ip[]; summary: string },
): ReportedFinding {
  const [detector] = finding.key.split(' ', 1)
  return {
    ...finding,
    kind: 'decoys',
    subject: victim,
    victim,
    blame: 'nobody',
    summary,
    key: `${detector} decoys ${victim}`,
    spoofable: true,
    evidence: { ...finding.evidence, hosts: names, sources: names.length },
  }
}
