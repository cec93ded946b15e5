import type { Session as SignedIn, SignIn } from '../../src/contract/session.ts'
import { ask, ProblemError, whenSignedOut } from './api.ts'

export type SessionState =
  | { readonly state: 'asking' }
  | { readonly state: 'in'; readonly who: SignedIn }
  | { readonly state: 'out'; readonly hasPassword: boolean; readonly problem?: ProblemError }

/** Who is signed in on this page. */
class Session {
  now = $state.raw<SessionState>({ state: 'asking' })

  constructor() {
    whenSignedOut(() => {
      if (this.now.state === 'in') void this.ask()
    })
  }

  /** True when this reader may change something. */
  get canAct(): boolean {
    return this.now.state === 'in' && this.now.who.role !== 'viewer'
  }

  async ask(): Promise<void> {
    try {
      this.now = { state: 'in', who: await ask<SignedIn>('GET', '/session') }
    } catch (problem) {
      if (!(problem instanceof ProblemError)) throw problem
      const hasPassword = problem.extra['signIn']?.password === true
      const isUnreachable = problem.status !== 401
      this.now = { state: 'out', hasPassword, ...(isUnreachable && { problem }) }
    }
  }

  async signIn(how: SignIn): Promise<void> {
    await ask('POST', '/login', how)
    await this.ask()
  }

  async signOut(): Promise<void> {
    await ask('POST', '/logout').catch(() => undefined)
    await this.ask()
  }
}

export const session = new Session()
