import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createApi } from '#api/api.ts'
import { listenForOwner } from '#api/listen.ts'
import { createCoreClient } from '../../src/cli/client.ts'
import { runCommandLine } from '../../src/cli/program.ts'
import { createSmallProduct, type SmallProduct } from './port.ts'

/** The command line before the real API of a small product. */
export interface CommandLine {
  readonly product: SmallProduct
  /** Runs `gatehouse LINE`; answers the exit code. */
  run(line: string): Promise<number>
  /** What the last run printed. */
  readonly said: string
  close(): Promise<void>
}

export async function openCommandLine(product: SmallProduct = createSmallProduct()): Promise<CommandLine> {
  const folder = mkdtempSync(join(tmpdir(), 'gh-cli-'))
  const api = createApi(product)
  const me = { pid: process.pid, uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 }
  const core = await listenForOwner(api, { path: join(folder, 'api.sock'), credentialsOf: () => me })
  let said = ''
  const write = (text: string): void => {
    said += text
  }
  const terminal = {
    write,
    warn: write,
    hasColour: false,
    isInteractive: false,
    readSecret: async () => 'four random words',
  }
  const shell = {
    terminal,
    now: () => product.status().now,
    connect: () => createCoreClient([core.path]),
    run: async () => {},
    boot: async () => '',
    replay: async () => 0,
    selfTest: async () => [],
  }
  return {
    product,
    get said() {
      return said
    },
    run(line) {
      said = ''
      return runCommandLine(line.split(' '), shell, '0.1.0')
    },
    async close() {
      api.close()
      await core.close()
      rmSync(folder, { recursive: true })
    },
  }
}
