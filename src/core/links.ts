import { chmodSync, existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Refused } from '#api/port.ts'
import { writeAtomically } from '#lib/atomic-file.ts'
import { linkText, makeLink } from '../web/links.ts'
import { hashPassword } from '../web/password.ts'
import type { LinkGrant } from '../web/spawn-contract.ts'
import type { WebProcess } from './web-process.ts'

/** A link that somebody asked for may lie in a terminal's scrollback: it is good for ten minutes. */
const LINK_LASTS_MS = 600_000

/** The ways into the page: one-time links, and a password if somebody set one. */
export interface WaysIn {
  /** For the start of the web process: it learns of links before it listens. */
  readonly startLink: { readonly token: string; readonly grant: LinkGrant }
  passwordHash(): string | undefined
  loginLink(
    web: WebProcess | undefined,
    actor: { readonly name: string; readonly role: LinkGrant['role'] },
  ): string
  setPassword(web: WebProcess | undefined, password: string): Promise<void>
}

/** `stateFolder` keeps the hash of the password, for root alone. */
export function createWaysIn(stateFolder: string, now: () => number): WaysIn {
  const file = join(stateFolder, 'password.hash')
  const startLink = makeLink({ name: 'owner', role: 'admin' })
  return {
    startLink,
    passwordHash: () => (existsSync(file) ? readFileSync(file, 'utf8').trim() || undefined : undefined),
    loginLink(web, { name, role }) {
      if (!web?.address) throw new Refused(503, 'The page is not up.', 'See why: gatehouse status')
      const { token, grant } = makeLink({ name, role }, now() + LINK_LASTS_MS)
      web.send({ kind: 'link', link: grant })
      return linkText(web.address, token)
    },
    async setPassword(web, password) {
      const hash = await hashPassword(password)
      keepPrivately(file, hash)
      web?.send({ kind: 'password', hash })
    },
  }
}

/** Never readable to others, also where somebody had opened the file before. */
function keepPrivately(file: string, text: string): void {
  try {
    if (existsSync(file)) chmodSync(file, 0o600)
    writeAtomically(file, `${text}\n`)
  } catch (cause) {
    throw new Refused(
      503,
      `The password could not be kept in ${file}: ${(cause as Error).message}.`,
      'Free space, or choose another folder with --state-dir.',
    )
  }
}
