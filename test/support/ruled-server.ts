import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type DaemonOptions, removeFolder, startDaemon, type TestDaemon } from './daemon.ts'
import { layWire, type Wire } from './namespaces.ts'
import { listen } from './talkers.ts'

const CALLER = new URL('tcp-caller.ts', import.meta.url).pathname

/** A server with rules of its own, a listener behind them, and a client that calls it. */
export interface RuledServer {
  readonly wire: Wire
  /** Of the daemons, one after the other: their memory stays. */
  readonly folder: string
  readonly rulesFile: string
  /** Of the listener, on all addresses. */
  readonly port: number
  /** The daemon that was started last. */
  readonly daemon: TestDaemon | undefined
  /** Without `rules` the file stays as it is. */
  start(rules?: string, options?: Omit<DaemonOptions, 'namespace' | 'folder'>): Promise<TestDaemon>
  /** What becomes of a call from the client: `open`, or `failed` and why. */
  call(address?: string): string
  /** Runs `nft` on the server, as another program would. */
  nft(...words: string[]): string
  /** Ends all that was started, and leaves nothing. */
  end(): Promise<void>
}

/** Needs root. */
export async function layRuledServer(): Promise<RuledServer> {
  const wire = layWire()
  const { server, client } = wire
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-ruled-'))
  const rulesFile = join(folder, 'rules.yaml')
  const port = await listen(server)
  let daemon: TestDaemon | undefined
  return {
    wire,
    folder,
    rulesFile,
    port,
    get daemon() {
      return daemon
    },
    async start(rules, { flags = [], ...more } = {}) {
      if (rules !== undefined) writeFileSync(rulesFile, rules)
      daemon = await startDaemon({
        namespace: server.namespace,
        folder,
        flags: ['--rules', rulesFile, ...flags],
        ...more,
      })
      return daemon
    },
    call: (address = server.ip4) => client.run(process.execPath, CALLER, address, `${port}`, 'once').trim(),
    nft: (...words) => server.run('nft', ...words),
    async end() {
      await daemon?.stop()
      wire.remove()
      removeFolder(folder)
    },
  }
}
