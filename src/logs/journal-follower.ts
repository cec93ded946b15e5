import { Restart } from '#lib/restart.ts'
import type { LogMessage } from './attempt-reader.ts'
import { argumentsFrom, type JournalPlace, openPlaceKeeper } from './journal-place.ts'
import { type Follow, journalArguments, readJournalLine } from './sources/journal.ts'

/** Postfix names each of its services by its path; these are in its own master.cf. */
const TAGS = [
  ...['sshd', 'sshd-session', 'sshd-auth', 'sudo', 'dovecot', 'vsftpd'],
  ...['postfix/smtpd', 'postfix/smtps/smtpd', 'postfix/submission/smtpd', 'postfix/submissions/smtpd'],
]

export interface JournalParts {
  readonly follow: Follow
  /** Where it is kept how far the journal was read. */
  readonly placeFile: string
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** `at`: when it was written. */
  readonly take: (message: LogMessage, at: number) => void
}

export interface JournalFollower {
  /** Why it is not read now. */
  trouble(): string | undefined
  stop(): Promise<void>
}

/** Reads the journal, each entry once: also those that came while journalctl or Gatehouse was down. */
export function followJournal({ follow, placeFile, now, take }: JournalParts): JournalFollower {
  const keeper = openPlaceKeeper(placeFile, now())
  let trouble: string | undefined
  let following = { stop() {} }
  /** Where this journalctl began, until it is past that. */
  let began: JournalPlace | undefined

  function hear(line: string): void {
    const entry = readJournalLine(line)
    if (!entry) return
    restart.proved()
    if (began && isReadAlready(entry, began)) return
    began = undefined
    keeper.reached(entry)
    if (entry.message) take(entry.message, Math.min(Math.floor(entry.at), now()))
  }

  function ended(reason: string): void {
    trouble = reason
    const { place } = keeper
    // A cursor that journalctl does not take would never be taken: the time of that entry does as well.
    if (began?.cursor !== undefined) keeper.reached({ at: place.at })
    restart.ended()
  }

  function start(): void {
    restart.began()
    trouble = undefined
    began = keeper.place
    following = follow('journalctl', journalArguments(TAGS, argumentsFrom(began, now())), {
      line: hear,
      ended,
    })
  }

  const restart = new Restart({ start, now: () => performance.now() })
  start()
  return {
    trouble: () => trouble,
    async stop() {
      restart.stop()
      following.stop()
      await keeper.stop()
    },
  }
}

const isReadAlready = (entry: JournalPlace, began: JournalPlace): boolean =>
  began.cursor === undefined ? entry.at <= began.at : entry.cursor === began.cursor
