import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createApi } from '#api/api.ts'
import { listenForOwner } from '#api/listen.ts'
import { createCoreClient } from '../../src/cli/client.ts'
import type { Shell, Terminal } from '../../src/cli/command.ts'
import { runCommandLine } from '../../src/cli/program.ts'
import { createSmallProduct, type SmallProduct } from './port.ts'

/** The command line before the real API of a small product. */
export interface CommandLine {
  readonly product: SmallProduct
  /** Holds the socket, and nothing else. */
  readonly folder: string
  /** Runs `gatehouse LINE`; answers the exit code. */
  run(line: string, terminal?: Partial<Terminal>): Promise<number>
  /** What the last run printed, warnings too. */
  readonly said: string
  /** Only what it printed, and only its warnings. */
  readonly printed: string
  readonly warned: string
  close(): Promise<void>
}

/** `own`: what of the product is run otherwise than by doing nothing. */
export async function openCommandLine(
  product: SmallProduct = createSmallProduct(),
  own: Partial<Shell> = {},
): Promise<CommandLine> {
  const folder = mkdtempSync(join(tmpdir(), 'gh-cli-'))
  const api = createApi(product)
  const me = { pid: process.pid, uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 }
  const core = await listenForOwner(api, { path: join(folder, 'api.sock'), credentialsOf: () => me })
  let said = ''
  let printed = ''
  let warned = ''
  const plain: Terminal = {
    write(text) {
      said += text
      printed += text
    },
    warn(text) {
      said += text
      warned += text
    },
    hasColour: false,
    isInteractive: false,
    readSecret: async () => 'four random words',
  }
  const shell = {
    now: () => product.status().now,
    // The first candidate answers to nobody: the next is asked.
    connect: (socket?: string) =>
      createCoreClient(socket === undefined ? [join(folder, 'none.sock'), core.path] : [socket]),
    run: async () => {},
    boot: async () => '',
    replay: async () => 0,
    selfTest: async () => [],
    ...own,
  }
  return {
    product,
    folder,
    get said() {
      return said
    },
    get printed() {
      return printed
    },
    get warned() {
      return warned
    },
    run(line, terminal = {}) {
      said = ''
      printed = ''
      warned = ''
      const words = line === '' ? [] : line.split(' ')
      return runCommandLine(words, { ...shell, terminal: { ...plain, ...terminal } }, '0.1.0')
    },
    async close() {
      api.close()
      await core.close()
      rmSync(folder, { recursive: true })
    },
  }
}
