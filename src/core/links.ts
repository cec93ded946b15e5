import { Refused } from '#api/port.ts'
import type { Role } from '#contract/session.ts'
import { linkText, makeLink } from '../web/links.ts'
import type { LinkGrant } from '../web/spawn-contract.ts'
import type { AccountBook } from './account-book.ts'
import type { WebProcess } from './web-process.ts'

/** A link that somebody asked for may lie in a terminal's scrollback: it is good for ten minutes. */
const LINK_LASTS_MS = 600_000

/** One-time links into the page. */
export interface WaysIn {
  /** For the start of the web process: it learns of links before it listens. */
  readonly startLink: { readonly token: string; readonly grant: LinkGrant }
  /** For the account of that name, else for who asks. */
  loginLink(
    web: WebProcess | undefined,
    actor: { readonly name: string; readonly role: Role },
    account?: string,
  ): string
}

export function createWaysIn(book: Pick<AccountBook, 'demand'>, now: () => number): WaysIn {
  return {
    startLink: makeLink({ name: 'owner', role: 'admin' }),
    loginLink(web, actor, account) {
      if (!web?.address) throw new Refused(503, 'The page is not up.', 'See why: gatehouse status')
      const { name, role } = account === undefined ? actor : book.demand(account)
      const { token, grant } = makeLink({ name, role }, now() + LINK_LASTS_MS)
      web.send({ kind: 'link', link: grant })
      return linkText(web.address, token)
    },
  }
}
