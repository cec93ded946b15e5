import { hostname } from 'node:os'
import type { AccountsPort } from '#api/accounts-port.ts'
import { type Actor, Refused } from '#api/port.ts'
import type { Account, ApiToken } from '#contract/accounts.ts'
import type { Outcome } from '#contract/schemas.ts'
import { newSecret, setupAddress, stepOfCode } from '#lib/one-time-code.ts'
import type { Target } from '#model/address.ts'
import type { Decision } from '#model/decision.ts'
import { hashPassword } from '../web/password.ts'
import { AccountBook, type KeptAccount, type KeptToken, OWNER_ACCOUNT } from './account-book.ts'
import type { Undated } from './gate.ts'
import type { WebProcess } from './web-process.ts'

const DAY_MS = 86_400_000
/** A secret that nobody showed a code for is forgotten. */
const SET_UP_LASTS_MS = 15 * 60_000

export interface AccountDeskParts {
  readonly book: AccountBook
  readonly web: () => WebProcess | undefined
  readonly note: (undated: Undated) => { readonly decision: Decision }
  readonly now: () => number
}

export interface AccountDesk extends AccountsPort {
  /** Sets the password of an account; the owner's is made for it. */
  setPassword(password: string, name: string | undefined, actor: Actor): Promise<void>
}

type Recorder = (target: string, actor: Actor, reason: string) => Outcome

/** Answers what the API asks about accounts, tokens and sessions. Every change is a decision in the log. */
export function createAccountDesk(parts: AccountDeskParts): AccountDesk {
  const record: Recorder = (target, actor, reason) => {
    parts.note({ kind: 'account', target: target as Target, actor: actor.name, reason })
    return { sentence: `${reason[0]?.toUpperCase()}${reason.slice(1)}.`, closedConnections: 0 }
  }
  return {
    ...createAccounts(parts, record),
    ...createCodes(parts, record),
    ...createTokens(parts, record),
    ...createSessionList(parts, record),
  }
}

function createAccounts(
  { book, now }: AccountDeskParts,
  record: Recorder,
): Pick<AccountDesk, 'list' | 'add' | 'change' | 'remove' | 'setPassword'> {
  /** Otherwise nobody could make accounts from the page any more; the command line always can. */
  const demandOtherAdmin = (name: string, actor: Actor): void => {
    if (actor.provenAt === undefined) return
    const others = book.accounts().filter((one) => one.name !== name && one.role === 'admin')
    if (others.length > 0) return
    throw new Refused(
      409,
      `${name} is the only admin.`,
      'Make another one first, or use the command line as root.',
    )
  }

  return {
    list: () => book.accounts().map(shownAccount),
    async add({ name, role, password }, actor) {
      const passwordHash = await hashOf(password)
      if (book.account(name)) {
        const hint = `Change it: gatehouse user role ${name} ROLE`
        throw new Refused(409, `There is an account ${name} already.`, hint)
      }
      book.add({ name, role, since: now(), recovery: [], ...passwordHash })
      return record(`account ${name}`, actor, `the account ${name} was made, as ${role}`)
    },
    async change(name, { role, password }, actor) {
      const passwordHash = await hashOf(password)
      const before = book.demand(name)
      if (before.role === 'admin' && role !== undefined && role !== 'admin') demandOtherAdmin(name, actor)
      book.change(name, { ...(role !== undefined && { role }), ...passwordHash })
      const said = [
        ...(role === undefined ? [] : [`${name} is ${role} now, and was ${before.role}`]),
        ...(password === undefined ? [] : [`${name} has a new password`]),
      ]
      return record(`account ${name}`, actor, said.join('; ') || 'nothing changed')
    },
    async remove(name, actor) {
      if (book.demand(name).role === 'admin') demandOtherAdmin(name, actor)
      book.remove(name)
      return record(`account ${name}`, actor, `the account ${name} was taken away`)
    },
    async setPassword(password, name = OWNER_ACCOUNT, actor) {
      const passwordHash = await hashPassword(password)
      if (name === OWNER_ACCOUNT && !book.account(name)) {
        book.add({ name, role: 'admin', since: now(), passwordHash, recovery: [] })
      } else book.change(name, { passwordHash })
      record(`account ${name}`, actor, `${name} has a new password`)
    },
  }
}

function createCodes(
  { book, now }: AccountDeskParts,
  record: Recorder,
): Pick<AccountDesk, 'setUpCode' | 'confirmCode' | 'removeCode'> {
  const begun = new Map<string, { readonly secret: string; readonly until: number }>()
  return {
    setUpCode(name) {
      if (book.demand(name).passwordHash === undefined) {
        throw new Refused(
          409,
          `${name} has no password: a code comes on top of one.`,
          'Set a password first.',
        )
      }
      const secret = newSecret()
      begun.set(name, { secret, until: now() + SET_UP_LASTS_MS })
      return { secret, address: setupAddress(secret, name, hostname()) }
    },
    async confirmCode(name, code, actor) {
      const { secret, until = 0 } = begun.get(name) ?? {}
      if (secret === undefined || until < now()) {
        throw new Refused(409, 'Nothing waits for a code.', 'Begin again: the secret is good for 15 minutes.')
      }
      if (stepOfCode(code.replaceAll(' ', ''), secret, { now: now() }) === undefined) {
        throw new Refused(
          400,
          'That is not the code of now.',
          'Look whether the clock of the phone is right.',
        )
      }
      const { codes, digests } = AccountBook.recoveryCodes()
      book.change(name, { codeSecret: secret, recovery: digests })
      begun.delete(name)
      record(`account ${name}`, actor, `${name} signs in with a code too from now on`)
      return { recoveryCodes: [...codes] }
    },
    async removeCode(name, actor) {
      const { codeSecret: _, ...rest } = book.demand(name)
      book.replace({ ...rest, recovery: [] })
      return record(`account ${name}`, actor, `${name} signs in without a code from now on`)
    },
  }
}

function createTokens(
  { book, now }: AccountDeskParts,
  record: Recorder,
): Pick<AccountDesk, 'tokens' | 'issueToken' | 'revokeToken'> {
  return {
    tokens: () => book.tokens().map(shownToken),
    async issueToken({ name, scope, days }, actor) {
      const ends = days === undefined ? {} : { endsAt: now() + days * DAY_MS }
      const { text, token } = book.issue({ name, scope, since: now(), ...ends })
      record(`token ${token.id}`, actor, `the token ${name} was made, with the scope ${scope}`)
      return { token: text, about: shownToken(token) }
    },
    async revokeToken(id, actor) {
      const { name } = book.revoke(id)
      return record(`token ${id}`, actor, `the token ${name} was revoked`)
    },
  }
}

function createSessionList(
  { web }: AccountDeskParts,
  record: Recorder,
): Pick<AccountDesk, 'sessions' | 'endSession'> {
  const sessions = async () => (await web()?.sessions()) ?? []
  return {
    sessions,
    async endSession(id, actor) {
      const session = (await sessions()).find((one) => one.id === id)
      if (!session) throw new Refused(404, 'This session is over.', 'List them: gatehouse sessions')
      await web()?.endSession(id)
      return record(`session ${id}`, actor, `${session.name} was signed out at ${session.from}`)
    },
  }
}

const hashOf = async (password: string | undefined): Promise<{ readonly passwordHash?: string }> =>
  password === undefined ? {} : { passwordHash: await hashPassword(password) }

const shownAccount = ({ name, role, since, passwordHash, codeSecret, recovery }: KeptAccount): Account => ({
  name,
  role,
  since,
  hasPassword: passwordHash !== undefined,
  hasCode: codeSecret !== undefined,
  recoveryCodes: recovery.length,
})

const shownToken = ({ digest: _, ...about }: KeptToken): ApiToken => about
