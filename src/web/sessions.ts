import { createHash, randomBytes } from 'node:crypto'
import type { OpenSession } from '#contract/accounts.ts'
import type { Role, Session } from '#contract/session.ts'
import type { KeptSession, WebAccount } from './spawn-contract.ts'

export interface SessionLimits {
  readonly idleMs: number
  readonly absoluteMs: number
  readonly count: number
}

const SESSION_LIMITS: SessionLimits = { idleMs: 8 * 3_600_000, absoluteMs: 7 * 86_400_000, count: 100 }
/** Who keeps the sessions for the next run hears that one is in use this often at most. */
const TOLD_EVERY_MS = 60_000

export interface SignedInBy {
  readonly name: string
  readonly role: Role
  readonly by: 'link' | 'password'
  /** The address that it comes from. */
  readonly from: string
}

export interface Sessions {
  /** Answers the text of the cookie: 256 random bits that are kept nowhere but with the browser. */
  open(who: SignedInBy, now: number): string
  /** Who is signed in with this cookie; asking keeps the session from going idle. */
  find(cookie: string | undefined, now: number): Session | undefined
  /** Who is signed in proved once more who it is. */
  prove(cookie: string, now: number): void
  end(cookie: string): void
  endById(id: string): void
  /** Oldest first. */
  list(now: number): OpenSession[]
  /** Whoever lost the account, the role or the password that it came in with is signed out. */
  accountsChanged(before: readonly WebAccount[], after: readonly WebAccount[]): void
}

export interface SessionOptions {
  readonly limits?: SessionLimits
  /** Of the run before, which ended unasked. */
  readonly kept?: readonly KeptSession[]
  /** Told all of them whenever some changed. */
  readonly changed?: (sessions: readonly KeptSession[]) => void
}

export function createSessions(options: SessionOptions = {}): Sessions {
  const { limits = SESSION_LIMITS, kept = [], changed } = options
  const byDigest = new Map<string, KeptSession>(kept.map((session) => [session.digest, { ...session }]))
  let toldAt = Number.NEGATIVE_INFINITY
  const isOver = (session: KeptSession, now: number): boolean =>
    now >= session.endsAt || now - session.seenAt >= limits.idleMs
  const tell = (): void => changed?.([...byDigest.values()])

  /** Only who signs in makes sessions, so the one that was quiet for longest may go. */
  function makeRoom(now: number): void {
    forgetOver(now)
    if (byDigest.size < limits.count) return
    const quietest = [...byDigest].reduce((a, b) => (b[1].seenAt < a[1].seenAt ? b : a))
    byDigest.delete(quietest[0])
  }
  function forgetOver(now: number): void {
    for (const [digest, session] of byDigest) if (isOver(session, now)) byDigest.delete(digest)
  }
  function endWhere(isOne: (session: KeptSession) => boolean): void {
    const before = byDigest.size
    for (const [digest, session] of byDigest) if (isOne(session)) byDigest.delete(digest)
    if (byDigest.size < before) tell()
  }
  function see(session: KeptSession, now: number): void {
    session.seenAt = now
    if (now - toldAt < TOLD_EVERY_MS) return
    toldAt = now
    tell()
  }

  return {
    open(who, now) {
      makeRoom(now)
      const cookie = randomBytes(32).toString('base64url')
      const times = { signedInAt: now, seenAt: now, provenAt: now, endsAt: now + limits.absoluteMs }
      const digest = digestOf(cookie)
      byDigest.set(digest, { ...who, ...times, digest, id: randomBytes(6).toString('hex') })
      tell()
      return cookie
    },
    find(cookie, now) {
      const session = cookie === undefined ? undefined : byDigest.get(digestOf(cookie))
      if (!session || isOver(session, now)) return undefined
      see(session, now)
      const { name, role, signedInAt, endsAt, provenAt } = session
      return { name, role, signedInAt, endsAt, provenAt }
    },
    prove(cookie, now) {
      const session = byDigest.get(digestOf(cookie))
      if (!session) return
      session.provenAt = now
      tell()
    },
    end(cookie) {
      const digest = digestOf(cookie)
      endWhere((session) => session.digest === digest)
    },
    endById: (id) => endWhere((session) => session.id === id),
    list(now) {
      forgetOver(now)
      return [...byDigest.values()].map(({ id, name, role, by, from, signedInAt, seenAt, endsAt }) => ({
        ...{ id, name, role, by, from, signedInAt, seenAt, endsAt },
      }))
    },
    accountsChanged(before, after) {
      for (const account of before) {
        const now = after.find(({ name }) => name === account.name)
        const isOther = now?.role !== account.role
        const hasOtherPassword = now?.passwordHash !== account.passwordHash
        endWhere(
          ({ name, by }) => name === account.name && (isOther || (hasOtherPassword && by === 'password')),
        )
      }
    },
  }
}

/** Keyed by digest: neither a look into memory nor the time of a look-up gives a cookie away. */
const digestOf = (cookie: string): string => createHash('sha256').update(cookie).digest('base64')
