import { createHash, timingSafeEqual } from 'node:crypto'
import type { TokenScope } from '#contract/accounts.ts'
import type { Role } from '#contract/session.ts'
import { stepOfCode } from '#lib/one-time-code.ts'
import { isPassword } from './password.ts'
import type { WebAccount, WebAccounts } from './spawn-contract.ts'

/** What somebody types to sign in. */
export interface Claim {
  /** Absent where only one account has a password. */
  readonly name?: string | undefined
  readonly password: string
  /** Six digits of an authenticator app, or a recovery code. */
  readonly code?: string | undefined
}

export type Check =
  | { readonly is: 'right'; readonly who: { readonly name: string; readonly role: Role } }
  /** The password is right; a code has to come with it. */
  | { readonly is: 'code-missing' }
  | { readonly is: 'wrong' }

export interface Bearer {
  readonly name: string
  readonly scope: TokenScope
}

export interface People {
  readonly hasPassword: boolean
  /** More than one account has a password: a name has to say whose. */
  readonly hasNames: boolean
  check(claim: Claim, now: number): Promise<Check>
  /** Of `Authorization: Bearer …`. */
  bearerOf(token: string, now: number): Bearer | undefined
  replace(people: WebAccounts): void
  readonly accounts: readonly WebAccount[]
}

/** Of a password that nobody has: to check an unknown name takes as long as to check a known one. */
const NOBODYS = 'scrypt$32768$8$1$Z2F0ZWhvdXNlLW5vYm9keQ$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'
/** As AccountBook writes it: eight hexadecimal digits twice. */
const RECOVERY_CODE = /^[0-9a-f]{8}-[0-9a-f]{8}$/

/** @param spent hears of recovery codes that were used, for the core to forget */
export function createPeople(first: WebAccounts, spent: (name: string, digest: string) => void): People {
  let { accounts, tokens } = first
  /** Account → the last step whose code was used. */
  const spentSteps = new Map<string, number>()
  const withPassword = (): readonly WebAccount[] =>
    accounts.filter(({ passwordHash }) => passwordHash !== undefined)

  function claimed(name: string | undefined): WebAccount | undefined {
    const candidates = withPassword()
    if (name === undefined || name === '') return candidates.length === 1 ? candidates[0] : undefined
    return candidates.find((account) => account.name === name)
  }

  function isCode(account: WebAccount, code: string, now: number): boolean {
    const text = code.trim().toLowerCase()
    if (RECOVERY_CODE.test(text)) return spendRecovery(account, text)
    const spentStep = spentSteps.get(account.name)
    const step = stepOfCode(text.replaceAll(' ', ''), account.codeSecret ?? '', { now, spentStep })
    if (step === undefined) return false
    spentSteps.set(account.name, step)
    return true
  }

  /** What is wrong with the code; undefined when nothing is. */
  function secondTrouble(account: WebAccount, code: string | undefined, now: number): Check | undefined {
    if (account.codeSecret === undefined) return undefined
    if (code === undefined || code === '') return { is: 'code-missing' }
    return isCode(account, code, now) ? undefined : { is: 'wrong' }
  }

  function spendRecovery(account: WebAccount, text: string): boolean {
    const digest = digestOf(text)
    if (!account.recovery.includes(digest)) return false
    const recovery = account.recovery.filter((one) => one !== digest)
    accounts = accounts.map((one) => (one.name === account.name ? { ...one, recovery } : one))
    spent(account.name, digest)
    return true
  }

  return {
    get hasPassword() {
      return withPassword().length > 0
    },
    get hasNames() {
      return withPassword().length > 1
    },
    get accounts() {
      return accounts
    },
    async check({ name, password, code }, now) {
      const hash = claimed(name)?.passwordHash
      const isRight = await isPassword(password, hash ?? NOBODYS)
      // Asked again: it may have been taken away, or its codes spent, while the password was checked.
      const account = claimed(name)
      if (!isRight || account?.passwordHash !== hash || !account) return { is: 'wrong' }
      const second = secondTrouble(account, code, now)
      return second ?? { is: 'right', who: { name: account.name, role: account.role } }
    },
    bearerOf(token, now) {
      const digest = Buffer.from(digestOf(token), 'hex')
      let found: WebAccounts['tokens'][number] | undefined
      // Looks at all of them, so that time does not tell which one was near.
      for (const one of tokens) if (timingSafeEqual(Buffer.from(one.digest, 'hex'), digest)) found = one
      if (!found || (found.endsAt ?? Number.POSITIVE_INFINITY) <= now) return undefined
      return { name: found.name, scope: found.scope }
    },
    replace(people) {
      accounts = people.accounts
      tokens = people.tokens
    },
  }
}

const digestOf = (text: string): string => createHash('sha256').update(text).digest('hex')
