import { createHash, randomBytes } from 'node:crypto'
import { chmodSync, existsSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { Refused } from '#api/port.ts'
import { TokenScope } from '#contract/accounts.ts'
import { Role } from '#contract/session.ts'
import { writeAtomically } from '#lib/atomic-file.ts'
import type { WebAccounts } from '../web/spawn-contract.ts'

const Digest = z.string().regex(/^[0-9a-f]{64}$/)

const KeptAccount = z.object({
  name: z.string(),
  role: Role,
  since: z.number(),
  /** Of `hashPassword`. */
  passwordHash: z.string().optional(),
  /** Base32. Whoever reads this file could make codes: it is root's alone. */
  codeSecret: z.string().optional(),
  /** SHA-256 of those that nobody used yet. */
  recovery: z.array(Digest).default([]),
})

const KeptToken = z.object({
  id: z.number().int(),
  name: z.string(),
  scope: TokenScope,
  since: z.number(),
  digest: Digest,
  endsAt: z.number().optional(),
})

const KeptFile = z.object({
  accounts: z.array(KeptAccount),
  tokens: z.array(KeptToken),
  lastTokenId: z.number().int(),
})

export type KeptAccount = z.infer<typeof KeptAccount>
export type KeptToken = z.infer<typeof KeptToken>

/** Whose password `gatehouse password` sets. */
export const OWNER_ACCOUNT = 'owner'
const MOST_ACCOUNTS = 100
const MOST_TOKENS = 100
const RECOVERY_CODES = 8

const NOBODY: z.infer<typeof KeptFile> = { accounts: [], tokens: [], lastTokenId: 0 }

export interface AccountBookParts {
  readonly stateFolder: string
  /** Called once a change is on disk. */
  readonly changed: () => void
  readonly say: (sentence: string) => void
}

/** Who may sign in on the page, and the tokens of programs: `accounts.json` in the state folder, for root alone. */
export class AccountBook {
  readonly #file: string
  readonly #olderFile: string
  readonly #parts: AccountBookParts
  #kept: z.infer<typeof KeptFile>

  constructor(parts: AccountBookParts) {
    this.#parts = parts
    this.#file = join(parts.stateFolder, 'accounts.json')
    this.#olderFile = join(parts.stateFolder, 'password.hash')
    this.#kept = this.#read()
  }

  accounts(): readonly KeptAccount[] {
    return this.#kept.accounts
  }

  tokens(): readonly KeptToken[] {
    return this.#kept.tokens
  }

  account(name: string): KeptAccount | undefined {
    return this.#kept.accounts.find((account) => account.name === name)
  }

  add(account: KeptAccount): void {
    if (this.#kept.accounts.length >= MOST_ACCOUNTS) {
      throw new Refused(
        409,
        `There are ${MOST_ACCOUNTS} accounts already.`,
        'Remove one: gatehouse user remove NAME',
      )
    }
    this.#keep({ ...this.#kept, accounts: [...this.#kept.accounts, account] })
  }

  /** Throws `Refused` when nobody is called so. */
  change(name: string, about: Partial<Omit<KeptAccount, 'name'>>): void {
    this.replace({ ...this.demand(name), ...about })
  }

  /** Puts it in the place of the one of its name: what it lacks is gone. */
  replace(account: KeptAccount): void {
    this.demand(account.name)
    this.#keep({
      ...this.#kept,
      accounts: this.#kept.accounts.map((one) => (one.name === account.name ? account : one)),
    })
  }

  /** A recovery code works once. */
  spend(name: string, digest: string): void {
    const account = this.account(name)
    if (account?.recovery.includes(digest)) {
      this.replace({ ...account, recovery: account.recovery.filter((one) => one !== digest) })
    }
  }

  /** What the web process needs to let people in. */
  forWeb(): WebAccounts {
    const { accounts, tokens } = this.#kept
    return {
      accounts: accounts.map(({ since: _, ...account }) => account),
      tokens: tokens.map(({ id: _, since: __, ...token }) => token),
    }
  }

  remove(name: string): void {
    const removed = this.demand(name)
    this.#keep({ ...this.#kept, accounts: this.#kept.accounts.filter((account) => account !== removed) })
  }

  demand(name: string): KeptAccount {
    const account = this.account(name)
    if (account) return account
    throw new Refused(404, `There is no account ${JSON.stringify(name)}.`, 'List them: gatehouse user list')
  }

  /** The text of a new token; it is nowhere else. */
  issue(about: Pick<KeptToken, 'name' | 'scope' | 'since' | 'endsAt'>): {
    readonly text: string
    readonly token: KeptToken
  } {
    const tokens = this.#kept.tokens.filter(
      ({ endsAt }) => (endsAt ?? Number.POSITIVE_INFINITY) > about.since,
    )
    if (tokens.length >= MOST_TOKENS) {
      throw new Refused(
        409,
        `There are ${MOST_TOKENS} tokens already.`,
        'Revoke one: gatehouse token revoke ID',
      )
    }
    const text = `gh_${randomBytes(32).toString('base64url')}`
    const token = { ...about, id: this.#kept.lastTokenId + 1, digest: digestOf(text) }
    this.#keep({ ...this.#kept, tokens: [...tokens, token], lastTokenId: token.id })
    return { text, token }
  }

  revoke(id: number): KeptToken {
    const token = this.#kept.tokens.find((one) => one.id === id)
    if (!token) throw new Refused(404, `There is no token ${id}.`, 'List them: gatehouse token list')
    this.#keep({ ...this.#kept, tokens: this.#kept.tokens.filter((one) => one !== token) })
    return token
  }

  /** Fresh recovery codes, and what is kept of them. */
  static recoveryCodes(): { readonly codes: readonly string[]; readonly digests: string[] } {
    const codes = Array.from({ length: RECOVERY_CODES }, () => {
      const text = randomBytes(8).toString('hex')
      return `${text.slice(0, 8)}-${text.slice(8)}`
    })
    return { codes, digests: codes.map(digestOf) }
  }

  #read(): z.infer<typeof KeptFile> {
    if (!existsSync(this.#file)) return { ...NOBODY, accounts: this.#older() }
    const read = KeptFile.safeParse(parsed(readFileSync(this.#file, 'utf8')))
    if (read.success) return read.data
    // Nobody can sign in with a password then, which is better than anybody; one-time links still work.
    const aside = `${this.#file}.broken`
    renameSync(this.#file, aside)
    this.#parts.say(
      `The file of accounts could not be read: it lies at ${aside}. Make accounts: gatehouse user add NAME`,
    )
    return NOBODY
  }

  /** Before there were accounts there was one password. */
  #older(): KeptAccount[] {
    const passwordHash = existsSync(this.#olderFile) ? readFileSync(this.#olderFile, 'utf8').trim() : ''
    if (passwordHash === '') return []
    return [{ name: OWNER_ACCOUNT, role: 'admin', since: 0, passwordHash, recovery: [] }]
  }

  #keep(kept: z.infer<typeof KeptFile>): void {
    try {
      // Never readable to others, also where somebody had opened the file before.
      if (existsSync(this.#file)) chmodSync(this.#file, 0o600)
      writeAtomically(this.#file, `${JSON.stringify(kept, undefined, 2)}\n`)
      rmSync(this.#olderFile, { force: true })
    } catch (cause) {
      throw new Refused(
        503,
        `The accounts could not be kept in ${this.#file}: ${(cause as Error).message}.`,
        'Free space, or choose another folder with --state-dir.',
      )
    }
    this.#kept = kept
    this.#parts.changed()
  }
}

const digestOf = (text: string): string => createHash('sha256').update(text).digest('hex')

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
