import type { LogMessage } from '../attempt-reader.ts'
import type { JournalPlace } from '../journal-place.ts'

/** Runs a program and hands on its lines; see kernel/follow.ts. */
export type Follow = (
  program: string,
  args: readonly string[],
  on: { readonly line: (text: string) => void; readonly ended: (reason: string) => void },
) => { stop(): void }

/** One entry of the journal, and where it stands there. */
export interface JournalEntry extends JournalPlace {
  /** Absent for one that is no text, or that a person wrote. */
  readonly message?: LogMessage
}

const FIELDS = ['MESSAGE', 'SYSLOG_IDENTIFIER', 'SYSLOG_PID', '_PID', '_UID']
/** Users from here up are people (login.defs, UID_MIN): what one of them writes as "sshd" is made up. */
const FIRST_PERSON = 1_000

/** Follows the journal, only what these tags write: journald itself leaves out the rest. */
export const journalArguments = (tags: readonly string[], from: readonly string[]): string[] => [
  '--follow',
  ...from,
  '--quiet',
  '--output=json',
  `--output-fields=${FIELDS.join(',')}`,
  ...tags.map((tag) => `SYSLOG_IDENTIFIER=${tag}`),
]

/** A line of `journalctl --output=json`; undefined for what is none. */
export function readJournalLine(line: string): JournalEntry | undefined {
  const entry = parsed(line)
  const { __CURSOR: cursor, __REALTIME_TIMESTAMP: microseconds } = entry
  if (typeof cursor !== 'string' || typeof microseconds !== 'string') return undefined
  const at = Number(microseconds) / 1000
  if (!Number.isFinite(at)) return undefined
  const message = messageOf(entry)
  return { at, cursor, ...(message && { message }) }
}

function messageOf(entry: Readonly<Record<string, unknown>>): LogMessage | undefined {
  const { MESSAGE: message, SYSLOG_IDENTIFIER: tag, _UID: uid } = entry
  // journald itself sets what begins with an underscore; the tag anybody may choose.
  if (typeof message !== 'string' || typeof tag !== 'string' || typeof uid !== 'string') return undefined
  const user = Number(uid)
  if (!/^\d+$/.test(uid) || user >= FIRST_PERSON) return undefined
  const pid = entry['SYSLOG_PID'] ?? entry['_PID']
  return { source: 'journal', tag, pid: typeof pid === 'string' ? pid : '', message }
}

function parsed(line: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'object' && value !== null ? { ...value } : {}
  } catch {
    // Cut short when journalctl ended.
    return {}
  }
}
