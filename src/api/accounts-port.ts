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
} from '#contract/accounts.ts'
import type { Outcome } from '#contract/schemas.ts'
import type { Actor } from './actor.ts'

/** Who may sign in on the page, what programs may ask, and who is signed in. Refusals are thrown as `Refused`. */
export interface AccountsPort {
  list(): readonly Account[]
  add(request: NewAccount, actor: Actor): Promise<Outcome>
  change(name: string, change: AccountChange, actor: Actor): Promise<Outcome>
  remove(name: string, actor: Actor): Promise<Outcome>
  /** Begins to ask for codes; nothing changes until one was shown to be right. */
  setUpCode(name: string): CodeSetup
  confirmCode(name: string, code: string, actor: Actor): Promise<RecoveryCodes>
  removeCode(name: string, actor: Actor): Promise<Outcome>
  tokens(): readonly ApiToken[]
  issueToken(request: NewToken, actor: Actor): Promise<IssuedToken>
  revokeToken(id: number, actor: Actor): Promise<Outcome>
  sessions(): Promise<readonly OpenSession[]>
  endSession(id: string, actor: Actor): Promise<Outcome>
}
