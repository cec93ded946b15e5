import type { Ip } from '#model/address.ts'
import type { Hosts } from '#model/host.ts'
import type { ReportedFinding } from './detector.ts'
import type { HostRows } from './host-rows.ts'

/**
 * A scanner sends the packets of all his names within a millisecond, on a machine at rest. On a busy one he is made to wait between
 * two of them, for tenths of a second; whoever begins a second after another is somebody else.
 */
export const IN_STEP_MS = 600
/** The first name to reach a limit is one packet ahead of the others: that may be half of what there is. */
const SHARED = 0.5
const MOST_ROWS = 32

/** `what` was done to the victim, by whoever holds this row. */
interface Told {
  readonly rows: HostRows
  readonly row: number
  readonly hosts: Hosts
  readonly what: string
}

/** The finding about a row; told of the victim alone where other sources did the same in step. For reports. */
export function amongNames(finding: ReportedFinding, { rows, row, hosts, what }: Told): ReportedFinding {
  const names = rowsInStep(rows, row).map((one) => hosts.address(rows.first(one)))
  if (names.length === 1 || finding.victim === undefined) return finding
  return blamingNobody(finding, { victim: finding.victim, what, names, sources: names.length })
}

/** The finding about one of several names, told of the victim alone: each of them may be a stranger. */
export function blamingNobody(
  finding: ReportedFinding,
  { victim, what, names, sources }: { victim: Ip; what: string; names: readonly Ip[]; sources: number },
): ReportedFinding {
  const [detector] = finding.key.split(' ', 1)
  return {
    ...finding,
    kind: 'decoys',
    subject: victim,
    victim,
    blame: 'nobody',
    summary: `${sources} addresses ${what} in step (${finding.kind}): one scanner, and decoys that he made up`,
    key: `${detector} decoys ${victim}`,
    spoofable: true,
    evidence: { ...finding.evidence, hosts: names, sources },
  }
}

/**
 * Rows of the same target and number that began together and hold about as much, this one first: one scanner, and
 * names that he borrowed (nmap -D). Walks the table.
 */
function rowsInStep(rows: HostRows, row: number): readonly number[] {
  const found = [row]
  const weight = rows.weight(row)
  for (let other = 0; other < rows.capacity && found.length < MOST_ROWS; other++) {
    if (other === row || !rows.isKnown(other)) continue
    if (rows.second(other) !== rows.second(row) || rows.what(other) !== rows.what(row)) continue
    if (Math.abs(rows.firstAt(other) - rows.firstAt(row)) > IN_STEP_MS) continue
    const there = rows.weight(other)
    if (Math.min(there, weight) >= Math.max(there, weight) * SHARED) found.push(other)
  }
  return found
}
