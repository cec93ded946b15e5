import type { ChildProcess } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Browser, chromium, type Page } from 'playwright-core'
import { layWire, type Wire } from './namespaces.ts'

const LAUNCHER = fileURLToPath(new URL('../../bin/gatehouse', import.meta.url))
const STARTS_WITHIN_MS = 60_000
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** A real daemon on the server's end of a wire, and a real browser beside it. */
export interface RealPage {
  readonly wire: Wire
  readonly browser: Browser
  readonly folder: string
  /** A one-time link that nobody used yet. */
  freshLink(): string
  /** A page of a browser of its own that signed in; `wrongs` collects what it complains of. */
  signIn(size?: { width: number; height: number }): Promise<{ page: Page; wrongs: string[] }>
  /** What the kernel holds of one of our tables, as nft prints it. */
  kernelTable(name?: string): string
  /** Runs `gatehouse` against the daemon, and answers what it printed. */
  gatehouse(...words: string[]): string
  remove(): Promise<void>
}

/** Files of the daemon, by name, as they are at its start; it then reads them instead of the machine's own. */
export interface OwnFiles {
  readonly config?: string
  readonly rules?: string
  /** Where its memory is; otherwise it starts without any. */
  readonly stateFolder?: string
}

/** Needs root, nft, chromium and the built page. Runs entirely within two namespaces of its own. */
export async function startRealPage(files: OwnFiles = {}): Promise<RealPage> {
  const wire = layWire()
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-page-'))
  // The web process is nobody by then, and has to reach its socket in here.
  chmodSync(folder, 0o755)
  const socket = join(folder, 'api.sock')
  const own = (['config', 'rules'] as const).flatMap((name) => {
    const text = files[name]
    if (text === undefined) return []
    const path = join(folder, `${name}.yaml`)
    writeFileSync(path, text)
    return [`--${name}`, path]
  })
  const flags = ['--state-dir', files.stateFolder ?? join(folder, 'state'), '--socket', socket, ...own]
  const daemon = wire.server.start(LAUNCHER, 'run', ...flags)
  let browser: Browser | undefined
  let said = ''
  const listen = (chunk: Buffer): void => {
    said += chunk
  }
  daemon.stdout?.on('data', listen)
  daemon.stderr?.on('data', listen)
  const remove = async (): Promise<void> => {
    await browser?.close()
    if (daemon.exitCode !== null) process.stderr.write(`the daemon ended by itself; it said: ${said}\n`)
    const gone = new Promise((resolve) => daemon.once('exit', resolve))
    if (daemon.exitCode === null && daemon.kill('SIGTERM')) await gone
    wire.remove()
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    await printedLink(daemon, () => said)
    browser = await chromium.launch({ executablePath: browserIn(wire, folder), args: FLAGS })
  } catch (problem) {
    await remove()
    throw problem
  }
  const opened = browser
  const freshLink = (): string =>
    linkIn(wire.server.run(LAUNCHER, 'login', '--socket', socket)) ?? 'no link was printed'
  return {
    wire,
    browser: opened,
    folder,
    freshLink,
    async signIn(size = { width: 1440, height: 900 }) {
      const context = await opened.newContext({ viewport: size })
      const page = await context.newPage()
      const wrongs: string[] = []
      page.on('pageerror', (error) => wrongs.push(String(error)))
      page.on('console', (message) => {
        if (message.type() === 'error') wrongs.push(message.text())
      })
      await page.goto(freshLink())
      await page.getByRole('heading', { level: 1 }).first().waitFor()
      return { page, wrongs }
    },
    kernelTable: (name = 'gatehouse') => wire.server.run('nft', 'list', 'table', 'inet', name),
    gatehouse: (...words) => wire.server.run(LAUNCHER, ...words, '--socket', socket),
    remove,
  }
}

const linkIn = (text: string): string | undefined => /http:\/\/\S+token=\S+/.exec(text)?.[0]

/** Waits until the daemon prints a link: the page can be opened then. */
function printedLink(daemon: ChildProcess, said: () => string): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = (problem?: string): void => {
      clearTimeout(patience)
      daemon.stdout?.off('data', look)
      if (problem === undefined) resolve()
      else reject(new Error(`${problem}; the daemon said: ${said()}`))
    }
    const look = (): void => {
      if (linkIn(said())) end()
    }
    const patience = setTimeout(() => end('no link was printed in time'), STARTS_WITHIN_MS)
    daemon.stdout?.on('data', look)
    daemon.once('exit', () => end('the daemon ended'))
  })
}

/** Chromium within the server's namespace: playwright takes only the name of a program. */
function browserIn(wire: Wire, folder: string): string {
  const program = join(folder, 'browser')
  writeFileSync(program, `#!/bin/sh\nexec ip netns exec ${wire.server.namespace} chromium "$@"\n`)
  chmodSync(program, 0o755)
  return program
}
