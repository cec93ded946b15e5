import { createHash, randomBytes } from 'node:crypto'
import type { Role, Session } from '#contract/session.ts'

export interface SessionLimits {
  readonly idleMs: number
  readonly absoluteMs: number
  readonly count: number
}

const SESSION_LIMITS: SessionLimits = { idleMs: 8 * 3_600_000, absoluteMs: 7 * 86_400_000, count: 100 }

export interface Sessions {
  /** Answers the text of the cookie: 256 random bits that are kept nowhere but with the browser. */
  open(who: { readonly name: string; readonly role: Role }, by: 'link' | 'password', now: number): string
  /** Who is signed in with this cookie; asking keeps the session from going idle. */
  find(cookie: string | undefined, now: number): Session | undefined
  end(cookie: string): void
  /** After a change of password nobody who came in with the old one stays. */
  endOfPassword(): void
}

interface Kept extends Session {
  readonly by: 'link' | 'password'
  seenAt: number
}

export function createSessions(limits: SessionLimits = SESSION_LIMITS): Sessions {
  const byDigest = new Map<string, Kept>()
  const isOver = (session: Kept, now: number): boolean =>
    now >= session.endsAt || now - session.seenAt >= limits.idleMs

  /** Only who signs in makes sessions, so the one that was quiet for longest may go. */
  function makeRoom(now: number): void {
    for (const [digest, session] of byDigest) if (isOver(session, now)) byDigest.delete(digest)
    if (byDigest.size < limits.count) return
    const quietest = [...byDigest].reduce((a, b) => (b[1].seenAt < a[1].seenAt ? b : a))
    byDigest.delete(quietest[0])
  }

  return {
    open({ name, role }, by, now) {
      makeRoom(now)
      const cookie = randomBytes(32).toString('base64url')
      byDigest.set(digestOf(cookie), {
        name,
        role,
        by,
        signedInAt: now,
        seenAt: now,
        endsAt: now + limits.absoluteMs,
      })
      return cookie
    },
    find(cookie, now) {
      const session = cookie === undefined ? undefined : byDigest.get(digestOf(cookie))
      if (!session || isOver(session, now)) return undefined
      session.seenAt = now
      const { name, role, signedInAt, endsAt } = session
      return { name, role, signedInAt, endsAt }
    },
    end(cookie) {
      byDigest.delete(digestOf(cookie))
    },
    endOfPassword() {
      for (const [digest, session] of byDigest) if (session.by === 'password') byDigest.delete(digest)
    },
  }
}

/** Keyed by digest: neither a look into memory nor the time of a look-up gives a cookie away. */
const digestOf = (cookie: string): string => createHash('sha256').update(cookie).digest('base64')
