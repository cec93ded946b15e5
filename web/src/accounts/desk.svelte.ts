import type {
  Account,
  AccountChange,
  ApiToken,
  CodeSetup,
  IssuedToken,
  NewAccount,
  NewToken,
  OpenSession,
  RecoveryCodes,
} from '../../../src/contract/accounts.ts'
import type { Outcome } from '../../../src/contract/schemas.ts'
import type { LoginLink } from '../../../src/contract/session.ts'
import { ask, ProblemError } from '../api.ts'
import { readAgain } from '../read-again.ts'
import { allows } from '../roles.ts'
import { session } from '../session.svelte.ts'
import { toasts } from '../toast.svelte.ts'

const AGAIN_MS = 10_000

/** Who may sign in, who is signed in and which tokens there are, as far as who looks may know; and the ways to change it. */
class AccountsDesk {
  accounts = $state.raw<readonly Account[] | undefined>(undefined)
  sessions = $state.raw<readonly OpenSession[]>([])
  tokens = $state.raw<readonly ApiToken[]>([])
  problem = $state.raw<ProblemError | undefined>(undefined)
  isBusy = $state(false)

  /** Who is signed in on this page. */
  readonly who = $derived(session.now.state === 'in' ? session.now.who : undefined)
  /** Their account; undefined for who came by a link of nobody's account. */
  readonly own: Account | undefined = $derived(this.accounts?.find(({ name }) => name === this.who?.name))
  readonly isAdmin = $derived(this.who !== undefined && allows(this.who.role, 'accounts'))

  /** Reads now and again until the answer is called. Call it within an effect. */
  watch(): () => void {
    return readAgain(() => void this.read(), AGAIN_MS)
  }

  async read(): Promise<void> {
    try {
      const [accounts, sessions, tokens] = await Promise.all([
        ask<Account[]>('GET', 'accounts'),
        ask<OpenSession[]>('GET', 'sessions'),
        this.isAdmin ? ask<ApiToken[]>('GET', 'tokens') : [],
      ])
      Object.assign(this, { accounts, sessions, tokens, problem: undefined })
    } catch (problem) {
      if (!(problem instanceof ProblemError)) throw problem
      this.problem = problem
    }
  }

  /** The session of this page: the answer about it has no id, but the millisecond that it began in. */
  isThis(one: OpenSession): boolean {
    return one.name === this.who?.name && one.signedInAt === this.who.signedInAt
  }

  add = (account: NewAccount): Promise<void> => this.#tell(() => ask('POST', 'accounts', account))

  change = (name: string, change: AccountChange): Promise<void> =>
    this.#tell(() => ask('PATCH', pathOf(name), change))

  remove = (name: string): Promise<void> => this.#tell(() => ask('DELETE', pathOf(name)))

  linkFor = (name: string): Promise<LoginLink> =>
    this.#busy(() => ask<LoginLink>('POST', `login-link?${new URLSearchParams({ account: name })}`))

  setUpCode = (name: string): Promise<CodeSetup> => this.#busy(() => ask('POST', `${pathOf(name)}/code`))

  confirmCode = (name: string, code: string): Promise<RecoveryCodes> =>
    this.#busy(() => ask('POST', `${pathOf(name)}/code/confirm`, { code }))

  removeCode = (name: string): Promise<void> => this.#tell(() => ask('DELETE', `${pathOf(name)}/code`))

  issue = (token: NewToken): Promise<IssuedToken> => this.#busy(() => ask('POST', 'tokens', token))

  revoke = (id: number): Promise<void> => this.#tell(() => ask('DELETE', `tokens/${id}`))

  endSession = (id: string): Promise<void> =>
    this.#tell(() => ask('DELETE', `sessions/${encodeURIComponent(id)}`))

  /** Sets the own password. Who signed in with the old one is signed out by that, and comes in again with the new one. */
  async setOwnPassword(own: Account, password: string): Promise<void> {
    const isByPassword = this.sessions.some((one) => this.isThis(one) && one.by === 'password')
    await this.change(own.name, { password })
    // A code would be needed once more: the page asks for it as at any sign-in.
    if (isByPassword && !own.hasCode) await session.signIn({ name: own.name, password })
  }

  async #tell(run: () => Promise<Outcome>): Promise<void> {
    const { sentence } = await this.#busy(run)
    toasts.show({ kind: 'good', sentence, isSaid: true })
  }

  async #busy<Answer>(run: () => Promise<Answer>): Promise<Answer> {
    this.isBusy = true
    try {
      return await run()
    } finally {
      this.isBusy = false
      await this.read()
    }
  }
}

const pathOf = (name: string): string => `accounts/${encodeURIComponent(name)}`

export const accountsDesk = new AccountsDesk()

/** Runs an act whose refusal is said in the capsule at the foot of the page. */
export async function attempt(run: () => Promise<unknown>): Promise<void> {
  try {
    await run()
  } catch (problem) {
    toasts.problem(problem)
  }
}
