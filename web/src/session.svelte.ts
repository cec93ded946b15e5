import type { Proof, Session as SignedIn, SignIn } from '../../src/contract/session.ts'
import { ask, ProblemError, whenSignedOut } from './api.ts'
import { route } from './route.svelte.ts'

export type SessionState =
  | { readonly state: 'asking' }
  | { readonly state: 'in'; readonly who: SignedIn }
  | {
      readonly state: 'out'
      readonly hasPassword: boolean
      /** More than one account has a password: a name has to say whose. */
      readonly hasNames: boolean
      readonly wasIn: boolean
      readonly problem?: ProblemError
    }

/** Who is signed in on this page. */
class Session {
  now = $state.raw<SessionState>({ state: 'asking' })

  constructor() {
    whenSignedOut(() => {
      if (this.now.state === 'in') void this.ask()
    })
  }

  /** Uses the one-time link that the page was opened with, if any; then asks who is signed in. */
  async start(): Promise<void> {
    const token = takeToken()
    if (token === undefined) return this.ask()
    try {
      await this.signIn({ token })
    } catch (problem) {
      await this.ask()
      if (this.now.state === 'out' && problem instanceof ProblemError) this.now = { ...this.now, problem }
    }
  }

  async ask(): Promise<void> {
    try {
      this.now = { state: 'in', who: await ask<SignedIn>('GET', '/session') }
    } catch (problem) {
      if (!(problem instanceof ProblemError)) throw problem
      const { signIn } = problem.extra
      const means = { hasPassword: signIn?.password === true, hasNames: signIn?.names === true }
      const isUnreachable = problem.status !== 401
      const wasIn = this.now.state === 'in' || (this.now.state === 'out' && this.now.wasIn)
      this.now = { state: 'out', ...means, wasIn, ...(isUnreachable && { problem }) }
    }
  }

  async signIn(how: SignIn): Promise<void> {
    await ask('POST', '/login', how)
    await this.ask()
  }

  /** Who is signed in proves once more who it is. Throws a ProblemError when it is refused. */
  async prove(proof: Proof): Promise<void> {
    this.now = { state: 'in', who: await ask<SignedIn>('POST', '/proof', proof) }
  }

  async signOut(): Promise<void> {
    await ask('POST', '/logout').catch(() => undefined)
    this.now = { state: 'asking' }
    await this.ask()
  }
}

/** The token of a one-time link, taken out of the address bar so that no history keeps it. */
function takeToken(): string | undefined {
  if (location.pathname !== '/login') return undefined
  const inFragment = new URLSearchParams(location.hash.slice(1)).get('token')
  const token = inFragment ?? new URLSearchParams(location.search).get('token')
  route.go('/', 'replace')
  return token ?? undefined
}

export const session = new Session()
