import type { PartHealth } from '#model/health.ts'
import type { LoginAttempt } from '#model/login.ts'
import { createAttemptReader, type LogMessage } from './attempt-reader.ts'
import { followJournal } from './journal-follower.ts'
import { loadPatterns } from './load-patterns.ts'
import type { LogSettings } from './settings.ts'
import { followFiles } from './sources/files.ts'
import type { Follow } from './sources/journal.ts'
import { readSyslogLine } from './syslog-line.ts'

export interface Logs {
  readonly health: PartHealth
  stop(): Promise<void>
}

export interface LogParts {
  readonly settings: LogSettings
  readonly follow: Follow
  /** Where it is kept how far the journal was read. */
  readonly placeFile: string
  /** Milliseconds since the epoch. */
  readonly now: () => number
  readonly attempted: (attempt: LoginAttempt) => void
}

/** Reads the journal and log files, and hands on each try to log in. */
export async function startLogs({ settings, follow, placeFile, now, attempted }: LogParts): Promise<Logs> {
  const reader = createAttemptReader(await loadPatterns())
  const take = (message: LogMessage, at: number): void => {
    const attempt = reader.read(message, at)
    if (attempt) attempted(attempt)
  }
  const files = followFiles(settings.files, (path, line) => take(messageOf(path, line), now()))
  const journal = settings.journal ? followJournal({ follow, placeFile, now, take }) : undefined
  return {
    get health() {
      return healthOf(files.files, journal?.trouble(), settings)
    },
    async stop() {
      await Promise.all([journal?.stop(), files.stop()])
    },
  }
}

/** A line that has no header of syslog is of a program that writes a file of its own. */
function messageOf(path: string, line: string): LogMessage {
  const syslog = readSyslogLine(line)
  return syslog ? { source: path, ...syslog } : { source: path, tag: '', pid: '', message: line }
}

function healthOf(
  files: readonly { readonly path: string; readonly trouble: string | undefined; readonly isOpen: boolean }[],
  journalTrouble: string | undefined,
  settings: LogSettings,
): PartHealth {
  const open = files.filter(({ isOpen }) => isOpen).map(({ path }) => path)
  const hasJournal = settings.journal && journalTrouble === undefined
  const read = [...(hasJournal ? ['the journal'] : []), ...open]
  const closed = files.filter(({ trouble }) => trouble !== undefined)
  if (closed.length > 0) {
    const reasons = closed.map(({ path, trouble }) => `${path} cannot be read: ${trouble}`)
    return { part: 'logs', state: 'degraded', reason: reasons.join('; '), remedy: REMEDY }
  }
  if (read.length > 0) return { part: 'logs', state: 'ok', note: `reads ${read.join(', ')}` }
  const why = journalTrouble === undefined ? '' : `; the journal cannot be followed: ${journalTrouble}`
  return { part: 'logs', state: 'ok', note: `waits for log files, see logs.files${why}` }
}

const REMEDY = 'Start Gatehouse as root, or take the file out of logs.files.'
