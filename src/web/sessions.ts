import { createHash, randomBytes } from 'node:crypto'
import type { OpenSession } from '#contract/accounts.ts'
import type { Role, Session } from '#contract/session.ts'
import type { WebAccount } from './spawn-contract.ts'

export interface SessionLimits {
  readonly idleMs: number
  readonly absoluteMs: number
  readonly count: number
}

const SESSION_LIMITS: SessionLimits = { idleMs: 8 * 3_600_000, absoluteMs: 7 * 86_400_000, count: 100 }

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

interface Kept extends SignedInBy {
  /** Names the session without giving its cookie away. */
  readonly id: string
  readonly signedInAt: number
  readonly endsAt: number
  seenAt: number
  provenAt: number
}

export function createSessions(limits: SessionLimits = SESSION_LIMITS): Sessions {
  const byDigest = new Map<string, Kept>()
  const isOver = (session: Kept, now: number): boolean =>
    now >= session.endsAt || now - session.seenAt >= limits.idleMs

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
  function endWhere(isOne: (session: Kept) => boolean): void {
    for (const [digest, session] of byDigest) if (isOne(session)) byDigest.delete(digest)
  }

  return {
    open(who, now) {
      makeRoom(now)
      const cookie = randomBytes(32).toString('base64url')
      const times = { signedInAt: now, seenAt: now, provenAt: now, endsAt: now + limits.absoluteMs }
      byDigest.set(digestOf(cookie), { ...who, ...times, id: randomBytes(6).toString('hex') })
      return cookie
    },
    find(cookie, now) {
      const session = cookie === undefined ? undefined : byDigest.get(digestOf(cookie))
      if (!session || isOver(session, now)) return undefined
      session.seenAt = now
      const { name, role, signedInAt, endsAt, provenAt } = session
      return { name, role, signedInAt, endsAt, provenAt }
    },
    prove(cookie, now) {
      const session = byDigest.get(digestOf(cookie))
      if (session) session.provenAt = now
    },
    end(cookie) {
      byDigest.delete(digestOf(cookie))
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
