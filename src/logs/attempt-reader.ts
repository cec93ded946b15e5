import { RecentMap } from '#lib/recent-map.ts'
import { shortened, visibleText } from '#lib/visible-text.ts'
import { parseIp } from '#model/address.ts'
import type { LoginAttempt } from '#model/login.ts'
import type { Pattern, Reading } from './pattern.ts'

/** Sessions and stories that are remembered: a longer list only means that a try may count twice. */
const KNOWN = 8_192
/** What two logs tell within this time is the same. */
const SAME_WITHIN_MS = 60_000
const LONGEST_USER = 32

/** One message, and where it was read. */
export interface LogMessage {
  /** The journal, or the path of a file: two that tell the same count once. */
  readonly source: string
  /** What wrote it: its syslog tag; empty for files that one program writes. */
  readonly tag: string
  readonly pid: string
  readonly message: string
}

export interface AttemptReader {
  /** Milliseconds since the epoch. */
  read(message: LogMessage, now: number): LoginAttempt | undefined
}

/** How often each source told one story, and how often it counted. */
interface Story {
  at: number
  counted: number
  readonly told: Map<string, number>
}

/** Makes messages into attempts, each counted once however many lines and logs tell of it. */
export function createAttemptReader(patterns: readonly Pattern[]): AttemptReader {
  const stories = new RecentMap<string, Story>(KNOWN)
  const sessions = new RecentMap<string, { hints: number; sure: number }>(KNOWN)

  /** False when another source has told of it. */
  function isNews(key: string, source: string, now: number): boolean {
    const known = stories.get(key)
    const story = known && now - known.at < SAME_WITHIN_MS ? known : { at: now, counted: 0, told: new Map() }
    const told = (story.told.get(source) ?? 0) + 1
    story.at = now
    story.told.set(source, told)
    stories.set(key, story)
    if (told <= story.counted) return false
    story.counted = told
    return true
  }

  /** False when the session has told of this try in other words. */
  function isTry(key: string, { isHint, outcome }: Reading): boolean {
    if (outcome === 'accepted') return true
    const session = sessions.get(key) ?? { hints: 0, sure: 0 }
    sessions.set(key, session)
    if (isHint) {
      session.hints++
      return session.hints === 1 && session.sure === 0
    }
    session.sure++
    return session.sure > 1 || session.hints === 0
  }

  function counts(pattern: Pattern, message: LogMessage, reading: Reading, now: number): boolean {
    const { source, tag, pid } = message
    const hasSession = pattern.hasSessions === true && pid !== ''
    const key = hasSession ? `${tag}[${pid}] ${message.message}` : storyOf(reading)
    return isNews(key, source, now) && (!hasSession || isTry(`${tag}[${pid}]`, reading))
  }

  function attemptOf(pattern: Pattern, message: LogMessage, now: number): LoginAttempt | undefined {
    const reading = isOf(pattern, message.tag) ? pattern.read(message.message) : undefined
    if (!reading) return undefined
    const { service, outcome, user, times = 1 } = reading
    const address = reading.address === undefined ? undefined : parseIp(reading.address)
    // A name where an address belongs: who answers for that name need not be who came.
    if (reading.address !== undefined && !address) return undefined
    if (!counts(pattern, message, reading, now)) return undefined
    return {
      ...{ at: now, program: pattern.id, service, outcome, times },
      ...(address && { address }),
      ...userOf(user),
    }
  }

  return {
    read(message, now) {
      for (const pattern of patterns) {
        const attempt = attemptOf(pattern, message, now)
        if (attempt) return attempt
      }
      return undefined
    },
  }
}

const userOf = (user: string | undefined): { readonly user?: string } =>
  user ? { user: shortened(visibleText(user), LONGEST_USER) } : {}

const isOf = ({ tags, hasOwnFile }: Pattern, tag: string): boolean =>
  tag === '' ? hasOwnFile === true : tags?.test(tag) === true

/** Two logs may name the user differently, or not at all. */
const storyOf = ({ service, outcome, address, user = '' }: Reading): string =>
  `${service} ${outcome} ${address ?? user}`
