import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const GATEHOUSE = fileURLToPath(new URL('../../bin/gatehouse', import.meta.url))
const LINK = /Open (\S+)/
const UP = /^Gatehouse is (protecting this machine|running)\.$/m
const CLI = fileURLToPath(new URL('../../src/cli.ts', import.meta.url))
const STARTS_WITHIN_MS = 60_000
const ENDS_WITHIN_MS = 30_000
/** No time-out of a test ends a command that hangs: it is waited for in one piece. */
const ANSWERS_WITHIN_MS = 90_000

/** A real daemon in a network namespace, with a state folder of its own. */
export interface TestDaemon {
  /** All that it printed so far. */
  readonly output: () => string
  /** The one-time link that it printed; throws when it was started without a page. */
  readonly link: string
  readonly folder: string
  readonly process: ChildProcess
  /** `gatehouse WORDS -o json` against it, parsed. */
  ask<Answer>(...words: string[]): Answer
  /** The same as text; throws with what it printed when it fails. */
  tell(...words: string[]): string
  /** Ends it as a person would, and waits. */
  stop(): Promise<void>
  /** Ends it as a crash would. */
  kill(): Promise<void>
}

export interface DaemonOptions {
  readonly namespace: string
  /** Lines of config.yaml. */
  readonly config?: string
  /** Of an earlier daemon: starts with its memory. */
  readonly folder?: string
  readonly flags?: readonly string[]
  /** Goes in front of the command, such as setpriv. */
  readonly wrapper?: readonly string[]
  /** Serves the page too; without, it is up sooner. */
  readonly hasPage?: boolean
}

/** Starts it and waits until it says that it is up. `remove` of the folder is the caller's. */
export async function startDaemon(options: DaemonOptions): Promise<TestDaemon> {
  const { hasPage = false } = options
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), 'gatehouse-test-'))
  // The web process, which is somebody else, must get through to the socket.
  chmodSync(folder, 0o755)
  const config = join(folder, 'config.yaml')
  const socket = join(folder, 'run', 'api.sock')
  writeFileSync(config, options.config ?? '')
  const flags = ['--config', config, '--state-dir', join(folder, 'state'), '--socket', socket, '--port', '0']
  const child = spawn(
    'ip',
    [
      'netns',
      'exec',
      options.namespace,
      ...(options.wrapper ?? []),
      GATEHOUSE,
      'run',
      ...flags,
      ...(options.flags ?? []),
    ],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, GATEHOUSE_PAGE_ENABLED: `${hasPage}` },
    },
  )
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (bytes: Buffer) => (output += bytes.toString()))
  await begun(child, () => (hasPage ? LINK : UP).test(output)).catch((error) => {
    child.kill('SIGKILL')
    throw new Error(`${(error as Error).message}\nIt printed:\n${output}`)
  })
  // Straight to Node: the launcher would ask it for its version first, hundreds of times in all.
  const command = [process.execPath, '--disable-warning=ExperimentalWarning', CLI]
  const call = (words: readonly string[]): string =>
    execFileSync('ip', ['netns', 'exec', options.namespace, ...command, ...words], {
      encoding: 'utf8',
      env: { ...process.env, GATEHOUSE_SOCKET: socket },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: ANSWERS_WITHIN_MS,
    })
  return {
    output: () => output,
    get link() {
      const link = LINK.exec(output)?.[1]
      if (link === undefined) throw new Error('there is no link: start the daemon with hasPage')
      return link
    },
    folder,
    process: child,
    tell: (...words) => call(words),
    ask: (...words) => JSON.parse(call([...words, '-o', 'json'])),
    stop: () => ended(child, 'SIGTERM'),
    kill: () => ended(child, 'SIGKILL'),
  }
}

export const removeFolder = (folder: string): void => rmSync(folder, { recursive: true, force: true })

/** Asks `is` again and again; throws with `what` when it does not come true in time. */
export async function until(what: string, is: () => boolean, withinMs = 30_000): Promise<void> {
  const end = performance.now() + withinMs
  while (!is()) {
    if (performance.now() > end) throw new Error(`not within ${withinMs} ms: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

async function begun(child: ChildProcess, isUp: () => boolean): Promise<void> {
  const isOver = (): boolean => child.exitCode !== null || child.signalCode !== null
  await until('the daemon says that it is up', () => isUp() || isOver(), STARTS_WITHIN_MS)
  if (!isUp()) throw new Error('the daemon ended')
}

function ended(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve()
  return new Promise((resolve, reject) => {
    const hangs = setTimeout(() => {
      child.kill('SIGKILL')
      reject(new Error(`the daemon did not end within ${ENDS_WITHIN_MS} ms of ${signal}`))
    }, ENDS_WITHIN_MS)
    child.once('exit', () => {
      clearTimeout(hangs)
      resolve()
    })
    child.kill(signal)
  })
}
