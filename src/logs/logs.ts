import { Restart } from '#lib/restart.ts'
import type { PartHealth } from '#model/health.ts'
import type { LoginAttempt } from '#model/login.ts'
import { createAttemptReader, type LogMessage } from './attempt-reader.ts'
import { loadPatterns } from './load-patterns.ts'
import type { LogSettings } from './settings.ts'
import { followFiles } from './sources/files.ts'
import { type Follow, journalArguments, readJournalLine } from './sources/journal.ts'
import { readSyslogLine } from './syslog-line.ts'

/** Postfix names each of its services by its path; these are in its own master.cf. */
const JOURNAL_TAGS = [
  ...['sshd', 'sshd-session', 'sshd-auth', 'sudo', 'dovecot', 'vsftpd'],
  ...['postfix/smtpd', 'postfix/smtps/smtpd', 'postfix/submission/smtpd', 'postfix/submissions/smtpd'],
]

export interface Logs {
  readonly health: PartHealth
  stop(): Promise<void>
}

export interface LogParts {
  readonly settings: LogSettings
  readonly follow: Follow
  /** Milliseconds since the epoch. */
  readonly now: () => number
  readonly attempted: (attempt: LoginAttempt) => void
}

/** Reads the journal and log files, and hands on each try to log in. */
export async function startLogs({ settings, follow, now, attempted }: LogParts): Promise<Logs> {
  const reader = createAttemptReader(await loadPatterns())
  const take = (message: LogMessage | undefined): void => {
    const attempt = message && reader.read(message, now())
    if (attempt) attempted(attempt)
  }
  const files = followFiles(settings.files, (path, line) => take(messageOf(path, line)))
  const journal = settings.journal ? followJournal(follow, take) : undefined
  return {
    get health() {
      return healthOf(files.files, journal?.trouble(), settings)
    },
    async stop() {
      journal?.stop()
      await files.stop()
    },
  }
}

/** A line that has no header of syslog is of a program that writes a file of its own. */
function messageOf(path: string, line: string): LogMessage {
  const syslog = readSyslogLine(line)
  return syslog ? { source: path, ...syslog } : { source: path, tag: '', pid: '', message: line }
}

function followJournal(follow: Follow, take: (message: LogMessage | undefined) => void) {
  let trouble: string | undefined
  let following = { stop() {} }
  const start = (): void => {
    restart.began()
    trouble = undefined
    following = follow('journalctl', journalArguments(JOURNAL_TAGS), {
      line: (line) => take(readJournalLine(line)),
      ended(reason) {
        trouble = reason
        restart.ended()
      },
    })
  }
  const restart = new Restart({ start, now: () => performance.now() })
  start()
  return {
    trouble: () => trouble,
    stop() {
      restart.stop()
      following.stop()
    },
  }
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
