import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Role } from '#contract/session.ts'
import type { LinkGrant } from './spawn-contract.ts'

/** 256 bits as base64url. */
export const TOKEN_PATTERN = /^[\w-]{43}$/

/** Links that nobody used yet and that may wait at once; the oldest makes room. */
const LINK_LIMIT = 64

/** A fresh one-time token for the person's link, and what the web process is told of it. Absent `endsAt`: until used. */
export function makeLink(
  who: { readonly name: string; readonly role: Role },
  endsAt?: number,
): { readonly token: string; readonly grant: LinkGrant } {
  const token = randomBytes(32).toString('base64url')
  const { name, role } = who
  return {
    token,
    grant: { digest: digestOf(token).toString('hex'), name, role, ...(endsAt !== undefined && { endsAt }) },
  }
}

/**
 * The link as a person opens it. The token is in the fragment, which browsers send to nobody: it is in no log, in no
 * Referer, and what previews links cannot spend it. The page takes it out of the address bar and posts it.
 */
export const linkText = (address: string, token: string): string => `${address}/login#token=${token}`

export interface Links {
  add(grant: LinkGrant): void
  /** Spends the link of this token; undefined when there is none, or it is used or over. */
  spend(token: string, now: number): LinkGrant | undefined
}

export function createLinks(): Links {
  let grants: LinkGrant[] = []
  return {
    add(grant) {
      grants = [...grants, grant].slice(-LINK_LIMIT)
    },
    spend(token, now) {
      const digest = digestOf(token)
      let found: LinkGrant | undefined
      // Looks at all of them, so that time does not tell which one was near.
      for (const grant of grants) if (timingSafeEqual(Buffer.from(grant.digest, 'hex'), digest)) found = grant
      grants = grants.filter((grant) => grant !== found && (grant.endsAt ?? Infinity) > now)
      return found && (found.endsAt ?? Infinity) > now ? found : undefined
    },
  }
}

const digestOf = (token: string): Buffer => createHash('sha256').update(token).digest()
