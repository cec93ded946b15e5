import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { OpenSession } from '#contract/accounts.ts'
import { type NodeChild, startNodeChild } from '#kernel/node-child.ts'
import type { PartHealth } from '#model/health.ts'
import { type KeptSession, type WebMessage, WebReport, type WebStart } from '../web/spawn-contract.ts'

const SCRIPT = fileURLToPath(new URL('../web.ts', import.meta.url))
const RESTART_AFTER_MS = [500, 2_000, 10_000, 60_000] as const
const ENDS_WITHIN_MS = 3_000
const ANSWERS_WITHIN_MS = 2_000

export interface WebProcess {
  readonly health: PartHealth
  /** http://127.0.0.1:8090 once it listens. */
  readonly address: string | undefined
  send(message: WebMessage): void
  /** Who is signed in; nobody where it does not answer. */
  sessions(): Promise<readonly OpenSession[]>
  endSession(id: string): Promise<void>
  stop(): Promise<void>
}

export interface WebProcessOptions {
  /** Asked at each start: links and password may have changed since. */
  readonly start: () => Omit<WebStart, 'sessions'>
  /** Told each time it listens. */
  readonly listening: (address: string) => void
  readonly failed: (health: PartHealth) => void
  /** A recovery code of that account was used. */
  readonly spent: (name: string, digest: string) => void
  /** A folder on the way to the core's socket that the web process may not enter. */
  readonly closedFolder: string | undefined
}

/**
 * Starts the web process and starts it again, ever later, when it dies. Settles once it listens or has said why it
 * cannot: the core goes on without a page.
 */
export async function startWebProcess(options: WebProcessOptions): Promise<WebProcess> {
  const web = new SupervisedWeb(options)
  await web.run()
  return web
}

class SupervisedWeb implements WebProcess {
  readonly #options: WebProcessOptions
  #child: NodeChild | undefined
  #stopping = false
  #failures = 0
  #timer: NodeJS.Timeout | undefined
  #questions = 0
  /** Who is signed in, as the web process told last: none of them has to sign in again because it died. */
  #sessions: readonly KeptSession[] = []
  /** Question → who waits for the answer. */
  readonly #waiting = new Map<number, (sessions: readonly OpenSession[]) => void>()
  health: PartHealth = {
    part: 'page',
    state: 'degraded',
    reason: 'The page is not up yet.',
    remedy: 'Wait a second.',
  }
  address: string | undefined

  constructor(options: WebProcessOptions) {
    this.#options = options
  }

  /** Settles at the first report, or when the process ends without one. */
  run(): Promise<void> {
    return new Promise((settle) => {
      const child = startNodeChild(SCRIPT)
      this.#child = child
      // It may end before it has read all: its exit is what tells, not the broken pipe.
      child.stdin.on('error', () => {})
      const start: WebStart = { ...this.#options.start(), sessions: [...this.#sessions] }
      child.stdin.write(`${JSON.stringify(start)}\n`)
      createInterface({ input: child.stdout }).on('line', (line) => {
        this.#hear(line)
        settle()
      })
      child.on('error', (error) => this.#fail(error.message, 'Try again: gatehouse run'))
      child.on('exit', (code, signal) => {
        this.#ended(code, signal)
        settle()
      })
    })
  }

  send(message: WebMessage): void {
    // Nobody is there to sign out whoever lost the account by this: so all sign in again.
    if (!this.#child && message.kind === 'people') this.#sessions = []
    this.#child?.stdin.write(`${JSON.stringify(message)}\n`)
  }

  sessions(): Promise<readonly OpenSession[]> {
    return this.#ask((number) => ({ kind: 'sessions', number }))
  }

  async endSession(id: string): Promise<void> {
    await this.#ask((number) => ({ kind: 'end', number, id }))
  }

  #ask(question: (number: number) => WebMessage): Promise<readonly OpenSession[]> {
    if (!this.address) return Promise.resolve([])
    const number = ++this.#questions
    return new Promise((resolve) => {
      const answer = (sessions: readonly OpenSession[]): void => {
        clearTimeout(silence)
        this.#waiting.delete(number)
        resolve(sessions)
      }
      const silence = setTimeout(() => answer([]), ANSWERS_WITHIN_MS)
      this.#waiting.set(number, answer)
      this.send(question(number))
    })
  }

  stop(): Promise<void> {
    this.#stopping = true
    clearTimeout(this.#timer)
    const child = this.#child
    if (!child || child.exitCode !== null || child.signalCode !== null) return Promise.resolve()
    return new Promise((resolve) => {
      const force = setTimeout(() => child.kill('SIGKILL'), ENDS_WITHIN_MS)
      child.once('exit', () => {
        clearTimeout(force)
        resolve()
      })
      child.stdin.end()
    })
  }

  #hear(line: string): void {
    const report = WebReport.safeParse(parsed(line))
    if (!report.success) return
    const { data } = report
    if (data.kind === 'sessions') this.#waiting.get(data.number)?.(data.sessions)
    else if (data.kind === 'kept') this.#sessions = data.sessions
    else if (data.kind === 'spent') this.#options.spent(data.name, data.digest)
    else if (data.kind === 'failed') this.#fail(data.reason, data.remedy)
    else this.#listens(data)
  }

  #listens(data: Extract<WebReport, { kind: 'listening' }>): void {
    this.#failures = 0
    this.address = data.address
    this.health = healthOf(data, this.#options.closedFolder)
    this.#options.listening(data.address)
  }

  #fail(reason: string, remedy: string): void {
    this.health = { part: 'page', state: 'degraded', reason, remedy }
    this.#options.failed(this.health)
  }

  #ended(code: number | null, signal: string | null): void {
    this.#child = undefined
    this.address = undefined
    if (this.#stopping) return
    const delay = RESTART_AFTER_MS[Math.min(this.#failures++, RESTART_AFTER_MS.length - 1)] ?? 0
    if (this.health.state === 'ok') {
      this.#fail(
        `The web process ended (${signal ?? `exit code ${code}`}).`,
        `It is started again in ${delay / 1000} s.`,
      )
    }
    this.#timer = setTimeout(() => void this.run(), delay)
  }
}

function healthOf(
  report: { readonly address: string; readonly hasPage: boolean },
  closed: string | undefined,
): PartHealth {
  if (!report.hasPage) {
    return {
      part: 'page',
      state: 'degraded',
      reason: 'The page is not built.',
      remedy: 'Build it: npm run page',
    }
  }
  if (closed === undefined) return { part: 'page', state: 'ok', note: `The page is at ${report.address}.` }
  const reason = `The page cannot reach the core: the web process may not enter ${closed}.`
  return {
    part: 'page',
    state: 'degraded',
    reason,
    remedy: `Open it (chmod o+x ${closed}), or use another --socket.`,
  }
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}
